/**
 * Threads, and what their owners need besides: units of their limits, and their errors. The third door of the
 * engine, beside `index.ts`: three small files, so that a thread starts before anything else is loaded, and
 * loads nothing else itself.
 */
export { isOperatingError } from './base/errors.ts'
export { KiB, MiB } from './base/limits.ts'
export { besideModule, serveThread, ThreadPool } from './base/thread-pool.ts'

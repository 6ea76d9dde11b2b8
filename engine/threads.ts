/**
 * Threads, and what their owners need besides: where the first work of a thread is read from, units of their
 * limits, and their errors. The third door of the engine, beside `index.ts`: a few small files, so that a thread
 * starts before anything else is loaded, and loads nothing else itself.
 */
export { type Disk, nodeDisk } from './base/disk.ts'
export { fail, isOperatingError } from './base/errors.ts'
export { KiB, MiB } from './base/limits.ts'
export { besideModule, serveThread, ThreadPool } from './base/thread-pool.ts'

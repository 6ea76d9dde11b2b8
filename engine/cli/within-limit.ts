/** Work that must not go on for ever, because whoever is asked may never answer. */
import type { OperatingError } from '../base/errors.ts'
import { systemTimer } from '../base/timer.ts'
import type { Context } from './context.ts'

/** Runs `work` with a signal that ends it after so long, with `late`, or with the command. */
export async function withinLimit<T>(
  context: Context,
  limitMs: number,
  late: OperatingError,
  work: (context: Context) => Promise<T>,
): Promise<T> {
  const { signal, timer = systemTimer } = context.io
  const limit = new AbortController()
  const cancel = timer.after(limitMs, () => limit.abort(late))
  const either = AbortSignal.any([signal, limit.signal])
  try {
    return await work({ ...context, io: { ...context.io, signal: either } })
  } finally {
    cancel()
  }
}

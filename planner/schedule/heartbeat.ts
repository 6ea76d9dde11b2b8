/**
 * Heartbeats: a request after each success, for a watcher that raises the alarm when they stay away.
 *
 * Bounded in time, follows nothing, and never changes how a run ended: what goes wrong is returned as
 * a sentence. The address is often a secret; the sentence does not repeat it.
 */
import { isLinkLocal, type Timer } from '../../engine/index.ts'
import { heartbeatMs } from './limits.ts'

/** @returns what went wrong; undefined when the watcher has heard it */
export async function sendHeartbeat(address: string, timer: Timer): Promise<string | undefined> {
  const url = URL.canParse(address) ? new URL(address) : undefined
  if (url === undefined || !/^https?:$/.test(url.protocol)) return 'its address is no http URL'
  if (isLinkLocal(url.hostname)) return 'its address is a link-local or metadata address'
  const limit = new AbortController()
  const cancel = timer.after(heartbeatMs, () => limit.abort())
  try {
    const response = await fetch(url, { redirect: 'manual', signal: limit.signal })
    await response.body?.cancel()
    return response.ok ? undefined : `it was answered with status ${response.status}`
  } catch (error) {
    if (limit.signal.aborted) return `it was not answered within ${heartbeatMs / 1_000} s`
    const cause = error instanceof Error ? error.cause : undefined
    const code = cause instanceof Error && 'code' in cause ? ` (${String(cause.code)})` : ''
    return `it could not be sent${code}`
  } finally {
    cancel()
  }
}

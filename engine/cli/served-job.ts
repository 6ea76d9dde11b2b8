/** Work that the server does for a command: begun, and watched where the command waits for it. */
import type { VectraClient } from '../server/client.ts'
import type { JobWatcher } from '../server/remote-jobs.ts'
import type { Context } from './context.ts'

/**
 * Begins a job. Without `wait` its id is printed, and nothing is returned; else its result is.
 * @throws what the job failed with; when the command is interrupted the job is cancelled
 */
export async function runServedJob<Result>(
  context: Context,
  client: VectraClient,
  job: { readonly kind: string; readonly request: object; readonly wait: boolean },
): Promise<Result | undefined> {
  const { beginJob, runJob } = await import('../server/remote-jobs.ts')
  const path = `/vectra/v1/${job.kind}`
  if (job.wait) return runJob<Result>(client, path, job.request, watcherOf(context))
  const { id } = await beginJob(client, path, job.request)
  await context.print(`${id}\n`)
  await context.remark(`the server is at it; wait with: vectra-cli jobs wait ${id}`)
  return undefined
}

/** Draws progress, and warns on standard error. */
export const watcherOf = (context: Context): JobWatcher => ({
  progress: context.progress,
  warn: (sentence) => void context.warn(sentence).catch(() => {}),
})

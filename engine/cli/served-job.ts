/** Work that the server does for a command: begun, and watched where the command waits for it. */
import { fromSerialised } from '../base/errors.ts'
import type { VectraClient } from '../server/client.ts'
import type { JobStatus } from '../server/jobs.ts'
import type { Context } from './context.ts'

/**
 * Begins a job. Without `wait` its id is printed, and nothing is returned; else its result is.
 * @throws what the job failed with; when the command is interrupted the job is cancelled
 */
export async function runJob<Result>(
  context: Context,
  client: VectraClient,
  job: { readonly kind: string; readonly request: object; readonly wait: boolean },
): Promise<Result | undefined> {
  const begin = await steadyClient(context, client)
  const { id } = await begin.ask<JobStatus>('POST', `/vectra/v1/${job.kind}`, job.request)
  if (!job.wait) {
    await context.print(`${id}\n`)
    await context.remark(`the server is at it; wait with: vectra-cli jobs wait ${id}`)
    return undefined
  }
  try {
    return resultOf<Result>(await watchJob(context, client, id))
  } catch (error) {
    if (context.io.signal.aborted) await cancelAndWait(context, client, id)
    throw error
  }
}

/** Follows a job to its end, with its progress and warnings. */
export function watchJob(context: Context, client: VectraClient, id: string): Promise<JobStatus> {
  let warned = 0
  return client.follow(id, ({ progress, warnings }) => {
    if (progress !== null) context.progress(progress)
    for (const each of warnings.slice(warned)) void context.warn(each).catch(() => {})
    warned = warnings.length
  })
}

/** What a job that has ended came to. @throws what it failed with */
export function resultOf<Result>({ error, result }: JobStatus): Result {
  if (error !== null) throw fromSerialised(error)
  return result as Result // of the kind of job that was asked for
}

/** The command stops; what it had begun over there shall not go on behind its back. */
async function cancelAndWait(context: Context, client: VectraClient, id: string): Promise<void> {
  const steady = await steadyClient(context, client)
  await steady.ask('POST', `/vectra/v1/jobs/${id}/cancel`)
  await steady.follow(id)
}

/** One that an interrupt does not stop: what it asks is short, and half of it would leave something behind. */
async function steadyClient({ token }: Context, { endpoint }: VectraClient): Promise<VectraClient> {
  const { VectraClient } = await import('../server/client.ts')
  return new VectraClient({ endpoint, token })
}

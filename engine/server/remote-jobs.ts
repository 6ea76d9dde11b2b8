/**
 * Work that a server does for somebody here: begun, watched to its end, and cancelled over there when whoever
 * waits stops. The only place that knows how a job is begun and followed from afar.
 */
import { fromSerialised } from '../base/errors.ts'
import type { Progress } from '../base/progress.ts'
import { escaped, type VectraClient } from './client.ts'
import type { JobStatus } from './jobs.ts'

/** Told while a job goes on. */
export interface JobWatcher {
  readonly progress?: Progress
  /** Each warning once. */
  readonly warn?: (sentence: string) => void
}

const jobsPath = '/vectra/v1/jobs'

/**
 * Begins a job, which goes on whoever listens.
 * @param path that begins it: `/vectra/v1/backup`
 * @throws what the server says; the reason of the client's signal, and nothing was begun
 */
export async function beginJob(
  client: VectraClient,
  path: string,
  request?: object,
): Promise<JobStatus> {
  client.signal?.throwIfAborted()
  // half of the asking would begin a job of which nobody knows
  return client.steady().ask<JobStatus>('POST', path, request)
}

/** Follows a job to its end. @throws what {@link VectraClient.follow} throws */
export function watchJob(
  client: VectraClient,
  id: string,
  { progress, warn }: JobWatcher = {},
): Promise<JobStatus> {
  let warned = 0
  return client.follow(id, (status) => {
    if (status.progress !== null) progress?.(status.progress)
    for (const each of status.warnings.slice(warned)) warn?.(each)
    warned = status.warnings.length
  })
}

/** Asks a job to stop, and waits until it has undone what it began. */
export async function cancelJob(client: VectraClient, id: string): Promise<JobStatus> {
  await client.ask('POST', `${jobsPath}/${escaped(id)}/cancel`)
  return watchJob(client, id)
}

/**
 * A job from its beginning to its end. When the client's signal is given the job is cancelled, and waited for
 * until it has undone what it began.
 * @throws what the job failed with; the signal's reason
 */
export async function runJob<Result>(
  client: VectraClient,
  path: string,
  request?: object,
  watcher?: JobWatcher,
): Promise<Result> {
  const { id } = await beginJob(client, path, request)
  try {
    return resultOf<Result>(await watchJob(client, id, watcher))
  } catch (error) {
    const { signal } = client
    if (signal?.aborted !== true) throw error
    await cancelJob(client.steady(), id)
    throw signal.reason
  }
}

/** What a job that has ended came to. @throws what it failed with */
export function resultOf<Result>({ error, result }: JobStatus): Result {
  if (error !== null) throw fromSerialised(error)
  return result as Result // of the kind of job that was asked for
}

/** `jobs list|show|wait|cancel`: what a server does in the background. */
import type { Command } from 'commander'
import { fail } from '../base/errors.ts'
import type { VectraClient } from '../server/client.ts'
import type { JobStatus } from '../server/jobs.ts'
import type { Context } from './context.ts'
import { describeProgress } from './progress-line.ts'
import { examples, type Runner } from './runner.ts'
import { servedBy } from './served-by.ts'
import { renderPairs, renderTable } from './table.ts'

/** Adds the group. */
export function addJobs(program: Command, run: Runner): void {
  const jobs = program
    .command('jobs')
    .description('backups, restores and verifications that a server does in the background')
    .addHelpText('after', examples('jobs list', 'jobs wait backup-3f9a2c118b04'))
  jobs
    .command('list')
    .description('jobs under way and those of late, newest first')
    .addHelpText('after', examples('jobs list', 'jobs list --endpoint http://db-1:7700 --json'))
    .action(run(list))
  jobs
    .command('show')
    .description('one job: how far it is, or what it came to')
    .argument('<id>', 'job')
    .addHelpText('after', examples('jobs show backup-3f9a2c118b04'))
    .action(run(show))
  jobs
    .command('wait')
    .description('wait until a job has ended; fails as the job did')
    .argument('<id>', 'job')
    .addHelpText('after', examples('jobs wait backup-3f9a2c118b04'))
    .action(run(wait))
  jobs
    .command('cancel')
    .description('ask a job to stop, and wait until it has undone what it began')
    .argument('<id>', 'job')
    .addHelpText('after', examples('jobs cancel backup-3f9a2c118b04'))
    .action(run(cancel))
}

async function serverOf(context: Context): Promise<VectraClient> {
  const client = await servedBy(context)
  if (client !== undefined) return client
  return fail(
    'usage',
    `no server has ${context.data}, so there are no jobs`,
    'Name the server with --endpoint or VECTRA_ENDPOINT, or its data directory with --data.',
  )
}

const pathOf = (id: string): string => `/vectra/v1/jobs/${encodeURIComponent(id)}`

async function list(context: Context) {
  const client = await serverOf(context)
  const { jobs } = await client.ask<{ jobs: readonly JobStatus[] }>('GET', '/vectra/v1/jobs')
  for (const each of jobs) await context.emit(each)
  const { isTerminal, columns } = context.io.stdout
  const table = renderTable(
    [{ title: 'job' }, { title: 'state' }, { title: 'started' }, { title: 'about' }],
    jobs.map(({ id, state, startedAt, about }) => [id, state, startedAt, about]),
    isTerminal ? columns : 0,
  )
  if (jobs.length > 0) await context.print(table)
  else await context.remark(`no jobs at ${client.endpoint}`)
  return { jobs: jobs.length }
}

async function show(context: Context, id: string) {
  const job = await (await serverOf(context)).ask<JobStatus>('GET', pathOf(id))
  await context.print(describe(job))
  return job
}

async function wait(context: Context, id: string) {
  const [{ resultOf, watchJob }, { watcherOf }] = await Promise.all([
    import('../server/remote-jobs.ts'),
    import('./served-job.ts'),
  ])
  const job = await watchJob(await serverOf(context), id, watcherOf(context))
  const result = resultOf<object>(job)
  await context.confirm(`${job.kind} of ${job.about} is done`)
  return { job: id, result }
}

async function cancel(context: Context, id: string) {
  const { cancelJob } = await import('../server/remote-jobs.ts')
  const job = await cancelJob(await serverOf(context), id)
  const ended = job.state === 'cancelled' ? 'is cancelled' : `had ended: ${job.state}`
  await context.confirm(`${id} ${ended}`)
  return { job: id, state: job.state }
}

function describe(job: JobStatus): string {
  return renderPairs([
    ['job', job.id],
    ['about', job.about],
    ['state', job.state],
    ['started', job.startedAt],
    ...(job.endedAt === null ? [] : [['ended', job.endedAt] as const]),
    ...(job.progress === null ? [] : [['progress', describeProgress(job.progress)] as const]),
    ...job.warnings.map((warning) => ['warning', warning] as const),
    ...(job.error === null ? [] : [['error', job.error.message] as const]),
  ])
}

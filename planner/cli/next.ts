/** `next PLAN`: the coming runs of every schedule and drill. */
import type { Command } from 'commander'
import { showDuration } from '../step/quantity.ts'
import type { Context } from './context.ts'
import { openPlan } from './open-plan.ts'
import { countOption } from './options.ts'
import { examples, type Runner } from './runner.ts'
import { statePaths } from './state.ts'
import { tableLines } from './table.ts'

export function addNext(program: Command, run: Runner): void {
  program
    .command('next')
    .description('the coming runs of schedules and drills, in their time zones; runs nothing')
    .argument('<plan>', 'plan file')
    .option('--count <n>', 'runs of each schedule and drill (default: 3)', countOption)
    .addHelpText(
      'after',
      examples('next plans/shop.yaml', 'next plans/shop.yaml --count 10 --json'),
    )
    .action(run(showNext))
}

async function showNext(
  context: Context,
  file: string,
  { count = 3 }: { readonly count?: number },
) {
  const { disk, clock } = context.io
  const plan = await openPlan(context, file)
  const [{ readStanding }, { comingRuns }, { localTime }, { watchedSince }] = await Promise.all([
    import('../standing/read-standing.ts'),
    import('../schedule/coming-runs.ts'),
    import('../schedule/local-time.ts'),
    import('../schedule/limits.ts'),
  ])
  const { ledger } = statePaths(plan, context.state)
  const reading = await readStanding(disk, ledger, plan.name)
  if (reading.problem !== undefined) {
    const { line, reason } = reading.problem
    await context.warn(
      `line ${line} of the ledger does not fit: ${reason}; runs after it are not seen`,
    )
  }
  const now = clock.nowMs()
  const moment = { now, watchedSinceAt: watchedSince(now) }
  const runs = comingRuns(plan, reading.standing.served(), moment, count)
  const rows = runs.map(({ sequence, dueAt, latestStartAt, isDue }) => [
    localTime(dueAt, sequence.timezone),
    sequence.timezone,
    isDue ? 'due' : `in ${showDuration(Math.max(0, Math.ceil((dueAt - now) / 1_000) * 1_000))}`,
    latestStartAt > dueAt ? `+ up to ${showDuration(latestStartAt - dueAt)}` : '',
    `${sequence.kind} ${sequence.name}`,
  ])
  if (rows.length === 0)
    await context.print('the clock runs nothing: no schedule or drill has cron or every')
  else {
    const head = ['due', 'time zone', '', 'jitter', 'what']
    for (const line of tableLines([head, ...rows])) await context.print(line)
  }
  return {
    plan: plan.name,
    runs: runs.map(({ sequence, isDue, ...times }) => ({
      kind: sequence.kind,
      name: sequence.name,
      timezone: sequence.timezone,
      dueAt: new Date(times.dueAt).toISOString(),
      startAt: new Date(times.startAt).toISOString(),
      latestStartAt: new Date(times.latestStartAt).toISOString(),
      due: isDue,
    })),
  }
}

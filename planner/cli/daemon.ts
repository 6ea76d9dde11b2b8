/** `daemon PLAN…`: runs what is due, for as long as nobody stops it. */
import type { Command } from 'commander'
import { InvalidArgumentError } from 'commander'
import { fail } from '../../engine/index.ts'
import type { MetricsAddress } from '../schedule/metrics-server.ts'
import type { Context } from './context.ts'
import { openPlan } from './open-plan.ts'
import { examples, type Runner } from './runner.ts'

interface DaemonFlags {
  readonly metrics?: MetricsAddress
  readonly yes?: true
}

export function addDaemon(program: Command, run: Runner): void {
  program
    .command('daemon')
    .description(
      'run schedules and drills when they are due, until SIGTERM or SIGINT; SIGHUP and changed plan files reload',
    )
    .argument('<plan...>', 'plan files; runs of one plan never overlap, those of several may')
    .option(
      '--metrics <host:port>',
      'serve /metrics and /healthz there (default: not at all); a port alone means 127.0.0.1',
      addressOption,
    )
    .option('--yes', 'also drills and steps that touch production data')
    .addHelpText(
      'after',
      examples(
        'daemon plans/shop.yaml',
        'daemon plans/shop.yaml plans/search.yaml --metrics 127.0.0.1:9464',
      ),
    )
    .action(run(watchPlans))
}

/** `9464`, `127.0.0.1:9464` or `[::1]:9464`. */
function addressOption(text: string): MetricsAddress {
  const match = /^(?:(\[[0-9A-Fa-f:.]+\]|[\w.-]+):)?(\d{1,5})$/.exec(text)
  const port = Number(match?.[2])
  if (match === null || port > 65_535) {
    throw new InvalidArgumentError('Write HOST:PORT, such as 127.0.0.1:9464.')
  }
  return { host: (match[1] ?? '127.0.0.1').replace(/^\[|\]$/g, ''), port }
}

async function watchPlans(context: Context, files: readonly string[], flags: DaemonFlags) {
  const plans = []
  for (const file of files) plans.push(await openPlan(context, file))
  const names = plans.map(({ name }) => name)
  const twice = names.find((name, index) => names.indexOf(name) !== index)
  if (twice !== undefined) {
    fail(
      'usage',
      `two of the plans are named ${twice}`,
      'Give each plan once, and a name of its own.',
    )
  }
  const { runDaemon } = await import('./run-daemon.ts')
  return runDaemon(context, plans, {
    yes: flags.yes === true,
    ...(flags.metrics && { metrics: flags.metrics }),
  })
}

/**
 * `endpoint switch`: moves what applications ask, and waits until they are answered. What was moved is taken back
 * when it ends otherwise.
 */
import { type Command, Option } from 'commander'
import { exitCodes, isOperatingError, OperatingError } from '../base/errors.ts'
import type { Context } from './context.ts'
import { type Action, type ActionFlags, readActions } from './endpoint-actions.ts'
import { type ProbeFlags, readProbe } from './endpoint-probe.ts'
import { duration, integer, listOption } from './option.ts'
import { showDuration } from './quantity.ts'
import { examples, type Runner } from './runner.ts'
import { addQueryOptions } from './search.ts'

type SwitchFlags = ActionFlags & ProbeFlags & { readonly keep?: true }

const hourMs = 3_600_000

/** Adds the group. */
export function addEndpoint(program: Command, run: Runner): void {
  const endpoint = program
    .command('endpoint')
    .description('where applications ask')
    .addHelpText('after', examples('endpoint switch --help'))
  const command = endpoint
    .command('switch')
    .description(
      'move what applications ask, by alias, program or request, and wait until they are answered',
    )
    .addOption(
      listOption(
        '--alias <alias=collection>',
        'let the alias mean the collection, in --data or at --endpoint; may be given again',
      ),
    )
    .option('--exec <words>', 'run a program: it and its arguments as a JSON list; no shell')
    .addOption(
      listOption(
        '--exec-env <name>',
        'a variable that the program gets besides PATH, HOME and LANG; its value is not shown',
      ),
    )
    .option('--http <url>', 'send a request; ${env.NAME} stands for a variable that is not shown')
    .addOption(
      new Option('--method <method>', 'of the request')
        .choices(['GET', 'POST', 'PUT', 'PATCH', 'DELETE'])
        .default('POST'),
    )
    .addOption(listOption('--header <header>', "of the request, 'Name: value'; may be given again"))
    .option('--body <text>', 'of the request')
    .option(
      '--expect-status <n>',
      'that the request has to be answered with (default: 200 to 299)',
      integer(100, 599),
    )
    .option('--allow-private', 'names and variables in URLs may lead to private addresses')
    .addOption(
      durationOption('--action-timeout', 'for each of them; a request has 10 s at most', 60_000),
    )
  addQueryOptions(command)
    .option('--in <name>', 'where to search: a collection or alias (default: the first --alias)')
    .option('--probe-endpoint <url>', 'where applications ask (default: --endpoint, or --data)')
    .addOption(listOption('--expect <id>', 'a point that has to be found; may be given again'))
    .option('--expect-node <name>', 'the node that has to answer')
    .option('--probe-url <url>', "a page of the application's own that has to answer 200 to 299")
    .option('--probe-text <text>', 'that stands in the page')
    .option('--no-probe', 'do not ask anything afterwards')
    .addOption(durationOption('--timeout', 'how long to ask', 30_000))
    .addOption(durationOption('--interval', 'between two questions', 500))
    .option('--undo-exec <words>', 'the program that takes --exec and --http back, as a JSON list')
    .option('--keep', 'take nothing back when nothing answers')
    .addHelpText(
      'after',
      `
Aliases first, then the program, then the request; then the search, the page and the node are asked
again and again, until all answer as expected. When an action fails, nothing answers in time, or the
command is interrupted, everything is taken back in reverse order: aliases to what they meant before,
unless somebody else has switched them since, the rest with --undo-exec. Exit 15: it failed, and says
what was taken back and what was not; 16: taking back failed too; 130, 143: interrupted, and taken
back; other codes: nothing was moved.
${examples(
  `endpoint switch --alias live=products_v2 --like sku-17 --expect sku-18`,
  `endpoint switch --endpoint http://10.0.0.2:7700 --alias live=products --vector '[0.1, 0.2]' --expect-node node-2`,
  `endpoint switch --exec '["./move-address.sh", "10.0.0.2"]' --undo-exec '["./move-address.sh", "10.0.0.1"]' --probe-endpoint http://vectra.example:7700 --in live --like sku-17 --timeout 2m`,
  `endpoint switch --http http://127.0.0.1:8500/v1/kv/vectra --method PUT --body 10.0.0.2 --header 'X-Consul-Token: \${env.CONSUL_TOKEN}' --probe-url http://127.0.0.1:8080/ready`,
)}`,
    )
    .action(run(switchEndpoint))
}

const durationOption = (flag: string, text: string, usualMs: number): Option =>
  new Option(`${flag} <duration>`, text)
    .argParser(duration(1, hourMs))
    .default(usualMs, usualMs < 1_000 ? `${usualMs}ms` : `${usualMs / 1_000}s`)

async function switchEndpoint(context: Context, flags: SwitchFlags) {
  const { clock } = context.io
  const actions = await readActions(context, flags)
  const probe = await readProbe(context, flags)
  const begun: Action[] = []
  const startedMs = clock.monotonicMs()
  const tookMs = () => Math.round(clock.monotonicMs() - startedMs)
  try {
    for (const action of actions) {
      begun.unshift(action)
      const { sentence, event } = await action.run(context).catch((error: unknown) => {
        if (error instanceof OperatingError && error.exitCode === exitCodes.usage) begun.shift()
        throw error
      })
      await context.emit({ event: 'moved', ...event })
      await context.confirm(sentence)
    }
    if (probe === undefined) return { actions: actions.length, tookMs: tookMs() }
    const { sentence, event } = await probe.run(context)
    await context.emit({ event: 'answered', ...event })
    await context.confirm(`${sentence}, ${showDuration(tookMs())} after the switch began`)
    return { actions: actions.length, ...event, tookMs: tookMs() }
  } catch (error) {
    throw await takenBack(context, error, begun, flags.keep === true)
  }
}

/** Takes back what was begun, the last first. @returns the error that says what became of it all */
async function takenBack(
  context: Context,
  error: unknown,
  begun: readonly Action[],
  keep: boolean,
): Promise<unknown> {
  // what ends the command must not end what takes back
  const own = { ...context, io: { ...context.io, signal: new AbortController().signal } }
  const back = new Set<string>()
  const left: string[] = []
  const failures: string[] = []
  for (const { name, undo } of begun) {
    if (keep || undo === undefined) {
      left.push(name)
      continue
    }
    try {
      const sentence = await undo(own)
      if (sentence !== undefined) back.add(sentence)
    } catch (failure) {
      failures.push(`${name}: ${failure instanceof Error ? failure.message : String(failure)}`)
    }
  }
  for (const sentence of back) {
    await context.emit({ event: 'taken-back', sentence })
    await context.remark(`taken back: ${sentence}`)
  }
  if (!(error instanceof OperatingError)) return error
  const isWhole = left.length + failures.length === 0
  if (isWhole && back.size === 0) return error // nothing had changed
  const parts = [
    error.message,
    ...(back.size > 0 ? [`taken back: ${[...back].join(', ')}`] : []),
    ...(left.length > 0 ? [`not taken back: ${left.join(', ')}`] : []),
    ...(failures.length > 0 ? [`taking back failed: ${failures.join('; ')}`] : []),
  ]
  const kept = isOperatingError(
    error,
    ...(['command-failed', 'unexpected-answer', 'interrupted', 'terminated'] as const),
  )
  const code = failures.length > 0 ? 'undo-failed' : kept ? error.code : 'step-failed'
  const hint = isWhole
    ? error.hint
    : `Look at what stands now, and take back by hand what must not stay. ${error.hint}`
  return new OperatingError(code, parts.join('; '), hint.trim(), { cause: error })
}

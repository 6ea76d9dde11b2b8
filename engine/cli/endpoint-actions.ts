/**
 * What moves an endpoint: an alias, a program, a request. Each says what it did, and how it is taken back where that
 * can be.
 */
import { resolve } from 'node:path'
import { fail, OperatingError } from '../base/errors.ts'
import { limits } from '../base/limits.ts'
import { checkName } from '../base/name.ts'
import { systemTimer } from '../base/timer.ts'
import type { Invocation } from '../outside/invocation.ts'
import type { Context } from './context.ts'
import { type FilledText, fillIn, masking, variableOf } from './filled-text.ts'
import { withDirectory } from './open-directory.ts'
import { parseWords } from './option.ts'
import { showDuration } from './quantity.ts'
import { withinLimit } from './within-limit.ts'

export interface ActionFlags {
  readonly alias?: readonly string[]
  readonly exec?: string
  readonly execEnv?: readonly string[]
  readonly undoExec?: string
  readonly http?: string
  readonly method: string
  readonly header?: readonly string[]
  readonly body?: string
  readonly expectStatus?: number
  readonly allowPrivate?: true
  readonly actionTimeout: number
}

export interface Action {
  /** For people. */
  readonly name: string
  /** Does it, within its bounds. @throws with exit code 2 only when it changed nothing */
  run(context: Context): Promise<Moved>
  /** Takes it back, also when it was done by half. @returns what is so now; undefined: nothing had changed */
  readonly undo?: (context: Context) => Promise<string | undefined>
}

export interface Moved {
  readonly sentence: string
  readonly event: object
}

/** Lines of a program's output that are shown. */
const linesShown = 100

/** The actions that the flags name, in the order in which they are done. @throws `usage`, `invalid-name` */
export async function readActions(context: Context, flags: ActionFlags): Promise<Action[]> {
  const { toInvocation } = await import('../outside/invocation.ts')
  const { actionTimeout: limitMs } = flags
  const variables = new Map(
    (flags.execEnv ?? []).map((name) => [name, variableOf(name, context.io.env)]),
  )
  const program = (text: string, flag: string) => {
    const words = parseWords(text, flag, ['./move-address.sh', '10.0.0.2'])
    const invocation = toInvocation(words)
    return (each: Context) => runWords(each, { words, invocation, variables, limitMs })
  }
  const back = flags.undoExec === undefined ? undefined : program(flags.undoExec, '--undo-exec')
  let undone: Promise<string> | undefined
  const undo = back && {
    undo: (each: Context) => (undone ??= back(each).then(({ sentence }) => sentence)),
  }
  const aliases = (flags.alias ?? []).map((text) => aliasAction(text, limitMs))
  const run = flags.exec === undefined ? undefined : program(flags.exec, '--exec')
  const execs = run ? [{ name: nameOf(flags.exec ?? ''), run, ...undo }] : []
  const requests = flags.http === undefined ? [] : [{ ...httpAction(context, flags), ...undo }]
  const actions: Action[] = [...aliases, ...execs, ...requests]
  if (actions.length === 0) {
    const hint =
      'Give --alias ALIAS=COLLECTION, --exec or --http; endpoint switch --help has examples.'
    fail('usage', 'nothing says what is to be moved', hint)
  }
  if (back !== undefined && execs.length + requests.length === 0) {
    fail(
      'usage',
      '--undo-exec takes back --exec and --http, and neither is given',
      'Leave it away.',
    )
  }
  return actions
}

/** `ALIAS=COLLECTION`; taken back as long as nobody else has switched the alias since. */
function aliasAction(text: string, limitMs: number): Action {
  const [, alias = '', collection = ''] = /^([^=]*)=(.*)$/.exec(text) ?? []
  if (alias === '') {
    fail('usage', `${JSON.stringify(text)} moves no alias`, 'Write --alias ALIAS=COLLECTION.')
  }
  checkName('alias', alias)
  checkName('collection name', collection)
  const name = `alias ${alias}`
  const late = new OperatingError(
    'unreachable',
    `setting the ${name} did not end within ${showDuration(limitMs)}`,
    'See whether the server is there; give it longer with --action-timeout.',
  )
  let before: string | null | undefined
  return {
    name,
    run: (context) =>
      withinLimit(context, limitMs, late, (own) =>
        withDirectory(own, 'use', async ({ aliases }) => {
          before = aliases.list().find((each) => each.alias === alias)?.collection ?? null
          await aliases.set(alias, collection)
          const instead = before === null || before === collection ? '' : `, no longer ${before}`
          return {
            sentence: `${alias} means ${collection}${instead}`,
            event: { action: 'alias', alias, collection, before },
          }
        }),
      ),
    undo: (context) =>
      withinLimit(context, limitMs, late, async (own) => {
        const former = before
        if (former === undefined) return undefined
        return withDirectory(own, 'use', async ({ aliases }) => {
          const now = aliases.list().find((each) => each.alias === alias)?.collection ?? null
          const means = (what: string | null) =>
            what === null ? `${alias} is gone` : `${alias} means ${what}`
          if (now === former) return undefined
          if (now !== collection) return `${means(now)}: somebody else has switched it, so it stays`
          if (former === null) await aliases.delete(alias)
          else await aliases.set(alias, former)
          return former === null ? means(null) : `${means(former)} again`
        })
      }),
  }
}

interface Program {
  readonly words: readonly [string, ...string[]]
  readonly invocation: Invocation
  /** What its environment has beyond PATH, HOME and LANG. */
  readonly variables: ReadonlyMap<string, string>
  readonly limitMs: number
}

/** The program of a JSON list that was read before. */
const nameOf = (text: string): string => String((JSON.parse(text) as unknown[])[0])

/** @throws `command-failed`; `usage` when it cannot be started */
async function runWords(
  context: Context,
  { words, invocation, variables, limitMs }: Program,
): Promise<Moved> {
  const { toEnvironment } = await import('../outside/invocation.ts')
  const { keepOutput } = await import('../outside/output-keeper.ts')
  const { programError, runProgram } = await import('../outside/run-program.ts')
  const { clock, env, timer = systemTimer } = context.io
  const [program] = words
  const mask = masking([...variables.values()])
  let shown = 0
  const say = (line: string) => {
    if (shown++ < linesShown) void context.remark(`${program}: ${line}`).catch(() => {})
  }
  const stdout = keepOutput(mask, say)
  const stderr = keepOutput(mask, say)
  const startedMs = clock.monotonicMs()
  const late = new OperatingError(
    'command-failed',
    `${program} did not end within ${showDuration(limitMs)}, and was ended with all that it had started`,
    'See what it waits for; give it longer with --action-timeout.',
  )
  const end = await withinLimit(context, limitMs, late, async ({ io: { signal } }) => {
    const ended = await runProgram({
      ...{ invocation, timer, signal },
      cwd: resolve('.'),
      environment: toEnvironment(env, variables),
      stdout: (chunk) => stdout.add(chunk),
      stderr: (chunk) => stderr.add(chunk),
    })
    stdout.end()
    stderr.end()
    signal.throwIfAborted()
    return ended
  })
  if (end.reason !== undefined) {
    const { message, hint } = programError(program, end, '')
    fail('usage', message, hint)
  }
  if (end.exitCode !== 0) throw programError(program, end, stderr.text())
  const tookMs = Math.round(clock.monotonicMs() - startedMs)
  return {
    sentence: `${program} ended with exit code 0 (${showDuration(tookMs)})`,
    event: { action: 'exec', command: words, exitCode: 0, tookMs, stdout: stdout.text() },
  }
}

/** One request. What may be gone to stands in `outside/request.ts`; no redirect is followed. */
function httpAction(context: Context, flags: ActionFlags): Action {
  const { env } = context.io
  const { method, expectStatus, actionTimeout: limitMs } = flags
  const url = fillIn(flags.http ?? '', env)
  const headers = new Map((flags.header ?? []).map(toHeader(env)))
  const body = flags.body === undefined ? undefined : fillIn(flags.body, env)
  const filled = [url, ...headers.values(), ...(body ? [body] : [])]
  const mask = masking(filled.flatMap(({ secrets }) => secrets))
  const name = `${method} ${url.written}`
  return {
    name,
    async run({ io: { signal, timer = systemTimer } }) {
      const { sendRequest } = await import('../outside/request.ts')
      const answer = await sendRequest(
        {
          ...{ method, limitMs, address: await toAddress(url, flags.allowPrivate === true) },
          headers: new Map([
            ['user-agent', 'vectra-cli'],
            ...[...headers].map(([key, { text }]) => [key, text] as const),
          ]),
          ...(body && { body: body.text }),
        },
        { timer, signal },
      )
      const { status, isRedirect } = answer
      if (expectStatus === undefined ? status < 200 || status > 299 : status !== expectStatus) {
        const said = mask(answer.body).trim().slice(0, limits.shownAnswerChars)
        fail(
          'unexpected-answer',
          `${name} answered ${status}, not ${expectStatus ?? '200 to 299'}${said === '' ? '' : `: ${said}`}`,
          isRedirect
            ? 'It points to another address, and nothing follows that: give the address it points to.'
            : 'See what the service says; --expect-status names another status that is right.',
        )
      }
      return {
        sentence: `${name} answered ${status}`,
        event: { action: 'http', method, url: url.written, status },
      }
    },
  }
}

const toHeader =
  (env: Readonly<Record<string, string | undefined>>) =>
  (text: string): readonly [string, FilledText] => {
    const [, key = '', value = ''] = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):\s*(.*)$/.exec(text) ?? []
    if (key !== '') return [key.toLowerCase(), fillIn(value, env)]
    return fail('usage', `${JSON.stringify(text)} is no header`, "Write --header 'Name: value'.")
  }

/** An address of the command line, as it is judged. */
export async function toAddress(url: FilledText, allowPrivate: boolean) {
  const { isHostWrittenOut } = await import('../outside/web-address.ts')
  return {
    url: url.text,
    shown: url.written,
    isWrittenOut: isHostWrittenOut(url.start, url.secrets.length === 0),
    allowPrivate,
    permission: '--allow-private',
  }
}

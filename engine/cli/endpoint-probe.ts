/**
 * Whether the application's own question is answered where applications ask, and by whom: asked again and again
 * until it is answered as expected, or the time is over.
 */
import { fail, isOperatingError, OperatingError } from '../base/errors.ts'
import { pause, systemTimer } from '../base/timer.ts'
import type { Neighbour } from '../collection/search.ts'
import type { PointId } from '../format/point.ts'
import type { Context } from './context.ts'
import { toAddress } from './endpoint-actions.ts'
import { fillIn } from './filled-text.ts'
import { clientOf, describeNode, ownServer } from './node-names.ts'
import { type OpenDirectory, withDirectory } from './open-directory.ts'
import { parseId, showId } from './option.ts'
import { showCount, showDuration } from './quantity.ts'
import { type QueryFlags, readQuery } from './search.ts'
import { servedBy } from './served-by.ts'
import { withinLimit } from './within-limit.ts'

export interface ProbeFlags extends QueryFlags {
  /** False with `--no-probe`. */
  readonly probe: boolean
  readonly alias?: readonly string[]
  readonly in?: string
  readonly probeEndpoint?: string
  readonly expect?: readonly string[]
  readonly expectNode?: string
  readonly probeUrl?: string
  readonly probeText?: string
  readonly allowPrivate?: true
  readonly timeout: number
  readonly interval: number
}

/** One question. @returns what was answered, for people and for programs @throws what is not as expected */
type Question = (context: Context) => Promise<{ readonly sentence: string; readonly event: object }>

export interface Probe {
  /** @throws `unexpected-answer` when the time is over; at once what waiting does not mend */
  run(context: Context): Promise<{ readonly sentence: string; readonly event: object }>
}

/** For one question. */
const questionMs = 10_000

/** What the flags ask; undefined for `--no-probe`. @throws `usage` */
export async function readProbe(context: Context, flags: ProbeFlags): Promise<Probe | undefined> {
  const questions: Question[] = []
  if (flags.expectNode !== undefined) {
    if (flags.probeEndpoint === undefined && (await servedBy(context)) === undefined) {
      fail('usage', '--expect-node needs a server', 'Name it: --endpoint or --probe-endpoint.')
    }
    questions.push(whoAnswers(flags.probeEndpoint, flags.expectNode))
  }
  if (flags.vector !== undefined || flags.like !== undefined) {
    questions.push(await search(flags))
  } else if (flags.expect !== undefined) {
    fail('usage', '--expect names points, and no search is given', 'Add --vector or --like.')
  }
  if (flags.probeUrl !== undefined) questions.push(page(context, flags, flags.probeUrl))
  if (flags.probe && questions.length === 0) {
    fail(
      'usage',
      'nothing says how to see that the endpoint answers',
      "Give the application's own query (--vector or --like), --probe-url, or --no-probe.",
    )
  }
  if (!flags.probe && questions.length > 0) {
    fail('usage', '--no-probe is given, and a question too', 'Leave one of them away.')
  }
  return questions.length === 0 ? undefined : { run: (own) => untilAnswered(own, questions, flags) }
}

async function untilAnswered(
  context: Context,
  questions: readonly Question[],
  { timeout, interval }: ProbeFlags,
) {
  const { serverRequests } = await import('../outside/server-request.ts')
  const { clock, signal, timer = systemTimer } = context.io
  const startedMs = clock.monotonicMs()
  const leftMs = () => startedMs + timeout - clock.monotonicMs()
  let said = ''
  for (let tries = 1; ; tries++) {
    const before = said
    serverRequests.closeIdle() // a kept connection leads to where the name led before the switch
    try {
      const sentences: string[] = []
      let event: object = {}
      for (const question of questions) {
        const limitMs = Math.max(1, Math.min(questionMs, leftMs()))
        // one that was cut short by the end tells less than the answer before it
        const late = limitMs < questionMs && said !== '' ? said : noAnswer(limitMs)
        const answer = await withinLimit(context, limitMs, unreachable(late), question)
        sentences.push(answer.sentence)
        event = { ...event, ...answer.event }
      }
      return { sentence: `${sentences.join('; ')} (try ${tries})`, event: { ...event, tries } }
    } catch (error) {
      signal.throwIfAborted()
      if (!isOperatingError(error) || isFinal(error)) throw error
      said = error.message
    }
    if (said !== before) await context.remark(`not yet: ${said}`)
    if (leftMs() <= 0) {
      fail(
        'unexpected-answer',
        `no answer as expected within ${showDuration(timeout)} (${showCount(tries, 'question')}): at last ${said}`,
        'See what the service says; give it longer with --timeout when it only starts slowly.',
      )
    }
    await pause(timer, Math.min(interval, Math.max(1, leftMs())), signal)
  }
}

const noAnswer = (limitMs: number) => `nothing was answered within ${showDuration(limitMs)}`
const unreachable = (problem: string) => new OperatingError('unreachable', problem, '')

/** What does not get better by asking again. */
const isFinal = (error: OperatingError): boolean =>
  isOperatingError(
    error,
    'usage',
    'invalid-filter',
    'invalid-name',
    'address-refused',
    'credential-refused',
    'key-refused',
  )

function whoAnswers(endpoint: string | undefined, wanted: string): Question {
  return async (context) => {
    const client = await (endpoint === undefined ? ownServer(context) : clientOf(context, endpoint))
    const { node } = await describeNode(client)
    if (node.name !== wanted) {
      fail('unexpected-answer', `${node.name} answers at ${client.endpoint}, not ${wanted}`, '')
    }
    return { sentence: `${wanted} answers at ${client.endpoint}`, event: { node: node.name } }
  }
}

async function search(flags: ProbeFlags): Promise<Question> {
  const query = await readQuery(flags)
  const name = flags.in ?? flags.alias?.[0]?.split('=')[0]
  if (name === undefined) {
    return fail('usage', 'nothing says which collection is searched', 'Add --in NAME.')
  }
  const expected = (flags.expect ?? []).map(parseId)
  return (context) =>
    whereAsked(context, flags.probeEndpoint, async (directory) => {
      const neighbours = await query(await directory.open(name))
      return judged(neighbours, expected, `${name} in ${directory.path}`)
    })
}

/** The directory that applications ask. */
async function whereAsked<T>(
  context: Context,
  endpoint: string | undefined,
  work: (directory: Pick<OpenDirectory, 'open' | 'path'>) => Promise<T>,
): Promise<T> {
  if (endpoint === undefined) return withDirectory(context, 'look', work)
  const { RemoteCollection } = await import('../server/remote-directory.ts')
  const client = clientOf(context, endpoint)
  return work({ path: endpoint, open: (name) => RemoteCollection.open(client, name) })
}

function judged(neighbours: readonly Neighbour[], expected: readonly PointId[], where: string) {
  const ids = neighbours.map(({ id }) => id)
  const [first] = ids
  if (first === undefined) return fail('unexpected-answer', `${where} finds nothing`, '')
  const missing = expected.filter((id) => !ids.includes(id)).map(showId)
  if (missing.length > 0) {
    fail('unexpected-answer', `${where} does not find ${missing.join(', ')}`, '')
  }
  const found = `${showCount(ids.length, 'point')}, ${showId(first)} nearest`
  return { sentence: `${where} finds ${found}`, event: { ids } }
}

/** A page of the application itself. */
function page(context: Context, flags: ProbeFlags, written: string): Question {
  const url = fillIn(written, context.io.env)
  return async ({ io: { signal, timer = systemTimer } }) => {
    const { sendRequest } = await import('../outside/request.ts')
    const address = await toAddress(url, flags.allowPrivate === true)
    const headers = new Map([['user-agent', 'vectra-cli']])
    const { status, body } = await sendRequest(
      { address, method: 'GET', headers },
      { timer, signal },
    )
    if (status < 200 || status > 299) {
      fail('unexpected-answer', `${written} answered ${status}`, '')
    }
    const { probeText } = flags
    if (probeText !== undefined && !body.includes(probeText)) {
      fail(
        'unexpected-answer',
        `${written} answered ${status}, without ${JSON.stringify(probeText)}`,
        '',
      )
    }
    return { sentence: `${written} answered ${status}`, event: { url: written, status } }
  }
}

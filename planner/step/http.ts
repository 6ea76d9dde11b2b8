/** `http`: one request. */
import { OperatingError } from '../../engine/index.ts'
import { sendRequest, type WebAnswer } from '../../engine/outside.ts'
import type { HttpExpectation, HttpInput } from '../plan/step-inputs.ts'
import { toWebAddress } from '../web/web-address.ts'
import { estimateFrom } from './estimate.ts'
import type { StepContext, StepFaces, StepResult } from './step.ts'

/** Characters of an answer in the record; the artefact has all that was read. */
const bodyChars = 4_096
/** Of the end of an answer that was cut: a secret could reach across the cut. */
const dropBeforeCut = 4_096

export const http: StepFaces<'http'> = {
  kind: 'http',
  run,
  examine: async ({ method }) =>
    method === 'GET' || method === 'HEAD'
      ? { state: 'repeat', found: 'it only reads' }
      : { state: 'unknown', found: `whether the ${method} request arrived cannot be seen` },
  describe: (input) => ({
    sentence: `Request ${input.method} ${input.url.text}${input.expect.status === undefined ? '' : `, expecting ${input.expect.status}`}`,
    expected: `status ${input.expect.status ?? 'from 200 to 299'}`,
    commands: [curl(input)],
  }),
  estimate: (_, id, history) => estimateFrom(history, { id, kind: 'http' }, 2_000),
  touches: ({ method, url }) => [
    {
      access: method === 'GET' || method === 'HEAD' ? 'reads' : 'writes',
      what: 'address',
      name: url.text,
    },
  ],
  needs: () => [],
}

async function run(input: HttpInput, context: StepContext): Promise<StepResult> {
  const { method, url, expect, allowPrivate } = input
  const body = input.body === undefined ? undefined : context.text(input.body)
  const answer = await sendRequest(
    {
      address: toWebAddress(url, context.text(url), allowPrivate),
      method,
      headers: new Map([...input.headers].map(([name, text]) => [name, context.text(text)])),
      ...(body !== undefined && { body }),
    },
    context,
  )
  const shown = shownBody(answer, context.redact)
  if (shown !== '') await context.keep('answer.txt', shown)
  if (answer.isCut) context.remark(`the answer is longer than the ${answer.bodyBytes} bytes read`)
  const outputs = {
    status: answer.status,
    body: shown.slice(0, bodyChars),
    bodyBytes: answer.bodyBytes,
    cut: answer.isCut,
  }
  if (isExpected(answer, expect)) {
    context.remark(`answered ${answer.status}`)
    return { outputs }
  }
  const wanted = expect.status ?? '200 to 299'
  return {
    outputs,
    error: new OperatingError(
      'unexpected-answer',
      `${method} ${url.text} answered ${answer.status}, not ${wanted}`,
      answer.isRedirect
        ? 'It points to another address, and nothing follows that: write the address it points to.'
        : 'See what it answered in the artefact of this step.',
    ),
  }
}

export const isExpected = ({ status }: WebAnswer, { status: wanted }: HttpExpectation): boolean =>
  wanted === undefined ? status >= 200 && status <= 299 : status === wanted

function shownBody({ body, isCut }: WebAnswer, redact: (text: string) => string): string {
  const masked = redact(body)
  return isCut ? masked.slice(0, -dropBeforeCut) : masked
}

/** Variables stand as they are written; their values are nobody's to print. */
const curl = ({ method, url, headers, body }: HttpInput): string[] => [
  ...['curl', '--fail-with-body', '--request', method],
  ...[...headers].flatMap(([name, text]) => ['--header', `${name}: ${text.text}`]),
  ...(body === undefined ? [] : ['--data', body.text]),
  url.text,
]

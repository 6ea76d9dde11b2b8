/** `http`: one request. */
import type { HttpInput } from '../plan/step-inputs.ts'
import { estimateFrom } from './estimate.ts'
import { notRunYet } from './not-offered.ts'
import type { StepFaces } from './step.ts'

export const http: StepFaces<'http'> = {
  kind: 'http',
  run: notRunYet('http'),
  describe: (input) => ({
    sentence: `Request ${input.method} ${input.url.text}${input.expect.status === undefined ? '' : `, expecting ${input.expect.status}`}`,
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

/** Variables stand as they are written; their values are nobody's to print. */
const curl = ({ method, url, headers, body }: HttpInput): string[] => [
  ...['curl', '--fail-with-body', '--request', method],
  ...[...headers].flatMap(([name, text]) => ['--header', `${name}: ${text.text}`]),
  ...(body === undefined ? [] : ['--data', body.text]),
  url.text,
]

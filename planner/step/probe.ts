/** `probe`: asks an address until it answers as expected. */
import { isOperatingError, OperatingError } from '../../engine/index.ts'
import { sendRequest } from '../../engine/outside.ts'
import type { ProbeInput } from '../plan/step-inputs.ts'
import { toWebAddress } from '../web/web-address.ts'
import { estimateFrom } from './estimate.ts'
import { isExpected } from './http.ts'
import { showCount, showDuration } from './quantity.ts'
import type { StepContext, StepFaces, StepResult } from './step.ts'
import { pause } from './timer.ts'

/** Between two questions. */
const pauseMs = 1_000

export const probe: StepFaces<'probe'> = {
  kind: 'probe',
  run,
  examine: async () => ({ state: 'repeat', found: 'asking twice does no harm' }),
  describe: ({ url, expect, withinMs }) => ({
    sentence: `Probe ${url.text} for ${showDuration(withinMs)} until it answers ${expect.status ?? 'well'}`,
    expected: `${expect.status ?? 'a status from 200 to 299'}, within ${showDuration(withinMs)}`,
    commands: [
      ['curl', '--silent', '--show-error', '--output', '/dev/null']
        .concat(['--write-out', '%{http_code}'])
        .concat(url.text),
    ],
  }),
  estimate: ({ withinMs }, id, history) =>
    estimateFrom(history, { id, kind: 'probe' }, Math.min(withinMs, 5_000)),
  touches: ({ url }) => [{ access: 'reads', what: 'address', name: url.text }],
  needs: () => [],
}

/** What cannot get better by waiting ends it at once. */
async function run(input: ProbeInput, context: StepContext): Promise<StepResult> {
  const { url, expect, withinMs } = input
  const { clock, timer, signal, remark } = context
  const address = toWebAddress(url, context.text(url), input.allowPrivate)
  const endMs = clock.monotonicMs() + withinMs
  let status: number | undefined
  let said = ''
  for (let attempts = 1; ; attempts++) {
    const before = said
    try {
      const limitMs = Math.max(1, endMs - clock.monotonicMs())
      const answer = await sendRequest({ address, method: 'GET', limitMs }, context)
      status = answer.status
      if (isExpected(answer, expect)) {
        remark(`answered ${status} at try ${attempts}`)
        return { outputs: { url: shownUrl(input, context), status, attempts } }
      }
      said = `it answered ${status}`
    } catch (error) {
      if (!isOperatingError(error, 'unreachable') || signal.aborted) throw error
      said = error.message
    }
    if (said !== before) remark(said)
    const leftMs = endMs - clock.monotonicMs()
    if (leftMs <= 0) {
      return {
        outputs: { url: shownUrl(input, context), status: status ?? null, attempts },
        error: gaveUp(input, attempts, said),
      }
    }
    await pause(timer, Math.min(pauseMs, leftMs), signal)
  }
}

const gaveUp = ({ url, expect, withinMs }: ProbeInput, attempts: number, said: string) =>
  new OperatingError(
    'unexpected-answer',
    `${url.text} did not answer ${expect.status ?? '200 to 299'} within ${showDuration(withinMs)} (${showCount(attempts, 'question')}): at last ${said}`,
    'See what the service says; give it longer with within: when it only starts slowly.',
  )

/** With its variables filled in and masked. */
function shownUrl({ url }: ProbeInput, { inputs }: StepContext): string {
  const shown = inputs['url']
  return typeof shown === 'string' ? shown : url.text
}

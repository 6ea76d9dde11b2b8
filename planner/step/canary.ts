/** `canary`: writes numbered points until the disaster, so that the loss can be counted. */
import { estimateFrom } from './estimate.ts'
import { notRunYet } from './not-offered.ts'
import type { StepFaces } from './step.ts'

export const canary: StepFaces<'canary'> = {
  kind: 'canary',
  run: notRunYet('canary'),
  describe: ({ target, collection, everyMs }) => ({
    sentence: `Write canary points to ${collection} on ${target} until the disaster, ${rateText(everyMs)}`,
    commands: [],
  }),
  estimate: (_, id, history) => estimateFrom(history, { id, kind: 'canary' }, 1_000),
  touches: ({ target, collection }) => [
    { access: 'writes', what: 'target', name: `${target}/${collection}` },
  ],
  needs: ({ target }) => [{ target, capabilities: ['write'] }],
}

const rateText = (everyMs: number): string => {
  const [count, unit] =
    everyMs <= 1_000 ? [1_000 / everyMs, 'second'] : [3_600_000 / everyMs, 'hour']
  return `${Number(count.toFixed(1))} a ${unit}`
}

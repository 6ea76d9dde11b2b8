/**
 * `inject`: makes the disaster. It records the instant and the last acknowledged write right before,
 * under one lock, because RPO and RTO are counted from them.
 */
import { vectraCli } from '../target/command-line.ts'
import { estimateFrom } from './estimate.ts'
import { examineDrop } from './examine-drop.ts'
import { noting } from './found-note.ts'
import { positionJson, toIso } from './observation.ts'
import type { StepFaces } from './step.ts'

export const inject: StepFaces<'inject'> = {
  kind: 'inject',
  async run({ fault, target, collection }, context) {
    const { at, before } = await context.target(target).drop(collection, false, noting(context))
    context.remark(
      `disaster: ${collection} is gone from ${target}${before ? ` at LSN ${before.lsn}` : ''}`,
    )
    return {
      outputs: {
        fault,
        target,
        collection,
        disasterAt: toIso(at),
        ...(before && { lastAcknowledged: positionJson(before) }),
      },
    }
  },
  /** The instant is that of the last look, under the lock that the drop had too: nobody wrote after it. */
  examine: ({ fault, target, collection }, interrupted, context) =>
    examineDrop(target, collection, interrupted, context, ({ at, beforeJson }) => ({
      outputs: {
        fault,
        target,
        collection,
        disasterAt: at,
        ...(beforeJson !== null && { lastAcknowledged: beforeJson }),
      },
    })),
  describe: ({ target, collection }, plan) => ({
    sentence: `Make the disaster: drop ${collection} on ${target}`,
    expected: `searches on ${collection} fail`,
    back: 'only a restore brings it back',
    commands: [vectraCli(plan, target, 'collections', 'drop', collection)],
  }),
  estimate: (_, id, history) => estimateFrom(history, { id, kind: 'inject' }, 1_000),
  touches: ({ target, collection }) => [
    { access: 'destroys', what: 'target', name: `${target}/${collection}` },
  ],
  needs: ({ target }) => [{ target, capabilities: ['drop', 'position'] }],
}

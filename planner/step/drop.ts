/** `drop`: deletes a collection, mostly to make room before a test and to clean up after it. */
import { vectraCli } from '../target/command-line.ts'
import { estimateFrom } from './estimate.ts'
import { examineDrop } from './examine-drop.ts'
import { noting } from './found-note.ts'
import { positionJson } from './observation.ts'
import type { StepFaces } from './step.ts'

export const drop: StepFaces<'drop'> = {
  kind: 'drop',
  async run(input, context) {
    const collection = context.text(input.collection)
    const { dropped, before } = await context
      .target(input.target)
      .drop(collection, input.ifExists, noting(context))
    return {
      outputs: {
        target: input.target,
        collection,
        dropped,
        ...(before && { before: positionJson(before) }),
      },
    }
  },
  examine({ target, collection: template }, interrupted, context) {
    const collection = context.text(template)
    return examineDrop(target, collection, interrupted, context, ({ beforeJson }) => ({
      outputs: {
        target,
        collection,
        dropped: true,
        ...(beforeJson !== null && { before: beforeJson }),
      },
    }))
  },
  describe: ({ target, collection, ifExists }, plan) => ({
    sentence: `Drop ${collection.text} on ${target}${ifExists ? ' if it exists' : ''}`,
    expected: `${collection.text} is no longer listed`,
    back: 'only a restore brings it back',
    commands: [
      vectraCli(
        plan,
        target,
        ...['collections', 'drop', collection.text],
        ...(ifExists ? ['--if-exists'] : []),
      ),
    ],
  }),
  estimate: (_, id, history) => estimateFrom(history, { id, kind: 'drop' }, 1_000),
  touches: ({ target, collection }) => [
    { access: 'destroys', what: 'target', name: `${target}/${collection.text}` },
  ],
  needs: ({ target }) => [{ target, capabilities: ['drop'] }],
}

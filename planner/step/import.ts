/** `import`: creates the collection where it is missing and writes every point of a file into it. */
import type { Plan } from '../plan/plan.ts'
import type { ImportInput } from '../plan/step-inputs.ts'
import { vectraCli } from '../target/command-line.ts'
import { estimateFrom } from './estimate.ts'
import { lookAt, noting, readFound } from './found-note.ts'
import { positionJson } from './observation.ts'
import { showCount } from './quantity.ts'
import type { StepContext, StepFaces, StepResult } from './step.ts'

export const importStep: StepFaces<'import'> = {
  kind: 'import',
  run,
  describe: (input, plan) => ({
    sentence: `Import ${input.file.text} into ${input.collection} on ${input.target}`,
    expected: `it says how many points it imported into ${input.collection}`,
    back: 'drop the collection if the import made it; points that it replaced come back from a backup only',
    commands: commands(input, plan),
  }),
  estimate: (_, id, history) => estimateFrom(history, { id, kind: 'import' }, 10_000),
  touches: (input) => [
    { access: 'reads', what: 'file', name: input.file.text },
    ...(input.metadata
      ? [{ access: 'reads', what: 'file', name: input.metadata.text } as const]
      : []),
    { access: 'writes', what: 'target', name: `${input.target}/${input.collection}` },
  ],
  needs: ({ target }) => [{ target, capabilities: ['import'] }],

  /** Whether all points of a file are there is told by nothing but reading it; an upsert does no harm twice. */
  async examine({ target, collection }, { note }, context) {
    const found = readFound(note)
    if (found === undefined) return { state: 'repeat', found: 'nothing was written' }
    const now = await lookAt(target, collection, context)
    const count = typeof now === 'object' ? now.count : 0
    return {
      state: 'repeat',
      found: `${collection} has ${showCount(count, 'point')}; those of the file are upserted again`,
    }
  },

  async undo({ target, collection }, record, context) {
    if (record.outputs['created'] !== true) {
      context.remark(`${collection} was there before the import; its points stay`)
      return undefined
    }
    const { dropped } = await context.target(target).drop(collection, true, context)
    return { outputs: { dropped } }
  },
}

async function run(input: ImportInput, context: StepContext): Promise<StepResult> {
  const { file, metadata, target, ...settings } = input
  // what a dead process half-made was made by this step all the same
  const wasMissing = readFound(context.interrupted?.note)?.before === 'none'
  const imported = await context.target(target).importFile(
    {
      ...settings,
      file: context.text(file, input.collection),
      ...(metadata && { metadata: context.text(metadata, input.collection) }),
    },
    noting(context, (note) => (wasMissing ? { ...note, before: null } : note)),
  )
  const { position, created, ...counts } = imported
  return {
    outputs: {
      target,
      collection: input.collection,
      created: created || wasMissing,
      ...counts,
      position: positionJson(position),
    },
  }
}

/** One command: like the step, it makes the collection where it is missing. */
function commands(input: ImportInput, plan: Plan): string[][] {
  const flag = (name: string, value: string | number | undefined): string[] =>
    value === undefined ? [] : [`--${name}`, String(value)]
  return [
    vectraCli(
      plan,
      input.target,
      ...['collections', 'import', input.collection, input.file.text],
      ...flag('format', input.format),
      ...flag('metadata', input.metadata?.text),
      ...flag('dimension', input.dimension),
      ...flag('metric', input.metric),
      ...flag('index', input.index),
      ...flag('m', input.m),
      ...flag('ef-construction', input.efConstruction),
      ...flag('ef', input.ef),
      ...flag('lists', input.lists),
      ...flag('nprobe', input.nprobe),
    ),
  ]
}

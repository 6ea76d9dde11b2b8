/** `archive`: ships the log that a destination lacks, collection by collection. */
import type { JsonObject, OperatingError } from '../../engine/index.ts'
import type { ArchiveInput } from '../plan/step-inputs.ts'
import { accessWords, typedDestination, vectraCli } from '../target/command-line.ts'
import { estimateFrom } from './estimate.ts'
import { positionJson } from './observation.ts'
import { collectionOf, touchesOf, urlOf } from './parts-of-plan.ts'
import type { StepContext, StepFaces, StepResult } from './step.ts'

export const archive: StepFaces<'archive'> = {
  kind: 'archive',
  run,
  describe: (input, plan) => ({
    sentence: `Archive the log of ${input.collections.join(', ')} to ${input.to}`,
    expected: 'each log with the LSN up to which it is archived, and no gap',
    commands: input.collections.map((name) =>
      vectraCli(
        plan,
        collectionOf(plan, name).target,
        ...['collections', 'archive', name],
        ...['--destination', typedDestination(plan, input.to)],
        ...accessWords(plan, [input.to], 'writes'),
        '--once',
      ),
    ),
  }),
  estimate: (_, id, history) => estimateFrom(history, { id, kind: 'archive' }, 2_000),
  touches: touchesOf,
  // the counts are then those of the rest
  examine: async () => ({
    state: 'repeat',
    found: 'what was shipped stays, and only what is missing is shipped',
  }),
  needs: (input, plan) =>
    input.collections.map((name) => ({
      target: collectionOf(plan, name).target,
      capabilities: ['archive', 'position'],
    })),
}

/** A gap in one archive must not keep the others from being shipped. */
async function run(input: ArchiveInput, context: StepContext): Promise<StepResult> {
  const { plan } = context
  const destination = urlOf(plan, input.to)
  const archives: JsonObject[] = []
  const gaps: OperatingError[] = []
  for (const name of input.collections) {
    const { target } = collectionOf(plan, name)
    const shipped = await context.target(target).archive({ collection: name, destination }, context)
    const { position, gap, readBack, ...rest } = shipped
    archives.push({
      ...{ collection: name, target, ...rest },
      ...(readBack && { readBack: { ...readBack } }),
      position: positionJson(position),
    })
    if (gap !== undefined) gaps.push(gap)
  }
  const sum = (key: 'records' | 'bytes' | 'files'): number =>
    archives.reduce((total, each) => total + Number(each[key]), 0)
  const [only] = archives
  const outputs = {
    destination: input.to,
    archives,
    files: sum('files'),
    records: sum('records'),
    bytes: sum('bytes'),
    ...(archives.length === 1 && only !== undefined && { lsn: only['lsn'] ?? null }),
  }
  const [gap] = gaps
  return { outputs, ...(gap && { error: gap }) }
}

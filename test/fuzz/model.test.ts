/**
 * The model test: sequences of commands against a collection and a plain map.
 *
 * The seed is fixed so that a run on the build machine can be repeated; MODEL_SEED=… takes another one
 * and MODEL_RUNS=… more sequences. A failure prints `seed`, `path` and, behind the commands, `replayPath`:
 * MODEL_SEED=… MODEL_PATH=… MODEL_REPLAY=… runs the shrunk sequence alone. MODEL_SHRINK=no leaves the
 * first failing sequence as it is.
 */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { makeConfig } from '../../engine/format/config.ts'
import { modelCommands } from '../support/model-commands.ts'
import { ModelHistory, type ModelState } from '../support/model-history.ts'
import { ModelSystem, Tally } from '../support/model-system.ts'

const { MODEL_SEED, MODEL_RUNS, MODEL_PATH, MODEL_REPLAY, MODEL_SHRINK } = process.env
const seed = Number(MODEL_SEED ?? 20_260_101)
const numRuns = Number(MODEL_RUNS ?? 1_000)

const configs = fc
  .record({
    dimension: fc.integer({ min: 2, max: 4 }),
    metric: fc.constantFrom('l2', 'cosine', 'ip'),
    index: fc.constantFrom('flat', 'hnsw'),
  })
  .map((settings) => makeConfig(settings))

const sequences = fc.commands(modelCommands, {
  maxCommands: 20,
  ...(MODEL_REPLAY !== undefined && { replayPath: MODEL_REPLAY }),
})

test('case 1, case 2: any sequence of writes, compactions, crashes, backups and restores equals a plain map', {
  timeout: 60_000 + 240 * numRuns,
}, async () => {
  const tally = new Tally()
  await fc.assert(
    fc.asyncProperty(configs, sequences, async (config, commands) => {
      tally.count('sequences')
      const system = await ModelSystem.create(config, tally)
      const model: ModelState = {
        config,
        history: new ModelHistory(),
        snapshots: new Map(),
        snapshotsTaken: 0,
      }
      try {
        await fc.asyncModelRun(() => ({ model, real: system }), commands)
        await system.expectModel(model)
      } finally {
        await system.data.close()
      }
    }),
    {
      seed,
      numRuns,
      endOnFailure: MODEL_SHRINK === 'no',
      ...(MODEL_PATH !== undefined && { path: MODEL_PATH }),
    },
  )
  if (MODEL_PATH === undefined) expect(tally.of('sequences')).toBe(numRuns)
  console.log(`model, seed ${seed}: ${tally}`)
})

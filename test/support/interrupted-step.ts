/** Steps over the real engine that a process begins and does not end, and how they look to the next one. */
import { writeFile } from 'node:fs/promises'
import * as path from 'node:path'
import { pathToFileURL } from 'node:url'
import { type JsonObject, nodeDisk, systemClock } from '../../engine/index.ts'
import type { StepInputs, StepKind } from '../../planner/plan/step-inputs.ts'
import type { Examination, StepContext, StepFaces, StepResult } from '../../planner/step/step.ts'
import { engineRepositories } from '../../planner/target/engine-repositories.ts'
import { vectraTarget } from '../../planner/target/vectra.ts'
import { buildCollection, buildDestination, buildPlan, buildTarget, text } from './plan-builder.ts'
import { stepBench } from './step-bench.ts'
import { temporaryDirectory } from './temporary-directory.ts'

/** When the process dies: when it has noted what it found, or when all is done and not written down. */
export type Death = 'before the change' | 'after the change'

export interface Interruptions {
  readonly context: StepContext
  /** Runs a step to its end. */
  run<K extends StepKind>(faces: StepFaces<K>, input: StepInputs[K]): Promise<StepResult>
  /** Runs it until the process dies. */
  die<K extends StepKind>(faces: StepFaces<K>, input: StepInputs[K], when: Death): Promise<Begun>
  examine<K extends StepKind>(
    faces: StepFaces<K>,
    input: StepInputs[K],
    begun: Begun,
  ): Promise<Examination | undefined>
  /** Runs it again, as after an examination that says so. */
  repeat<K extends StepKind>(
    faces: StepFaces<K>,
    input: StepInputs[K],
    begun: Begun,
  ): Promise<StepResult>
  /** Imports so many points, the first ones of all. */
  load(collection: string, count: number): Promise<StepResult>
  importOf(collection: string, count: number): Promise<StepInputs['import']>
}

export interface Begun {
  readonly at: number
  readonly note?: JsonObject
  /** What the dead process would have written down. */
  readonly result?: StepResult
}

/** A target `primary`, a destination `local` and collections `words` and `other`, on a real disk. */
export async function interruptions(importStep: StepFaces<'import'>): Promise<Interruptions> {
  const directory = await temporaryDirectory()
  const target = buildTarget('primary', path.join(directory, 'store'))
  const url = pathToFileURL(path.join(directory, 'backups')).href
  const plan = buildPlan({
    targets: [target],
    collections: [buildCollection('words'), buildCollection('other')],
    destinations: [buildDestination('local', url)],
  })
  const world = { disk: nodeDisk, clock: systemClock }
  const adapter = vectraTarget(target, world.disk, world.clock)
  const repositories = engineRepositories(world.disk, world.clock)
  const contextOf = (changes: Partial<StepContext>) =>
    stepBench({ plan, adapter, repositories, ...world, ...changes }).context
  const context = contextOf({})

  const importOf = async (collection: string, count: number): Promise<StepInputs['import']> => {
    const file = path.join(directory, `${count}.jsonl`)
    const points = Array.from({ length: count }, (_, i) => ({ id: i, vector: [i, 1, i % 7] }))
    await writeFile(file, points.map((point) => `${JSON.stringify(point)}\n`).join(''))
    return { target: 'primary', collection, file: text(file), format: 'jsonl' }
  }
  const here: Interruptions = {
    context,
    importOf,
    run: (faces, input) => faces.run(input, context),
    async die(faces, input, when) {
      const at = systemClock.nowMs()
      let noted: JsonObject | undefined
      const note = async (each: JsonObject) => {
        noted = JSON.parse(JSON.stringify(each))
        if (when === 'before the change') throw new Error('died')
      }
      let result: StepResult | undefined
      try {
        result = await faces.run(input, contextOf({ note }))
      } catch (error) {
        if (!(error instanceof Error) || error.message !== 'died') throw error
      }
      return { at, ...(noted && { note: noted }), ...(result && { result }) }
    },
    examine: async (faces, input, { at, note }) =>
      faces.examine?.(
        input,
        { at, ...(note && { note }) },
        contextOf({ interrupted: { at, ...(note && { note }) } }),
      ),
    repeat: (faces, input, { at, note }) =>
      faces.run(input, contextOf({ interrupted: { at, ...(note && { note }) } })),
    load: async (collection, count) => importStep.run(await importOf(collection, count), context),
  }
  return here
}

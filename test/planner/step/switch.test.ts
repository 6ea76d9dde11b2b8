import { describe, expect, test } from 'vitest'
import { importStep } from '../../../planner/step/import.ts'
import type { StepRecord } from '../../../planner/step/record.ts'
import { switchStep } from '../../../planner/step/switch.ts'
import { interruptions } from '../../support/interrupted-step.ts'
import { buildCollection, buildPlan, buildTarget, text } from '../../support/plan-builder.ts'

const to = (collection: string) => ({
  alias: 'live',
  to: 'primary',
  collection: text(collection),
})

async function place() {
  const here = await interruptions(importStep)
  await here.load('words', 3)
  await here.load('other', 3)
  const { context } = here
  const meaning = () => context.target('primary').meaning('live', context)
  const undo = async (outputs: StepRecord['outputs']) => {
    const result = await here.run(switchStep, to('other'))
    const record = { outputs: { ...result.outputs, ...outputs } } as unknown as StepRecord // what undo reads of it
    return { result, again: () => switchStep.undo?.(to('other'), record, context) }
  }
  return { ...here, meaning, undo }
}

test('an alias is made, switched, and told with what it meant before', async () => {
  const { run, meaning } = await place()
  expect(await run(switchStep, to('words'))).toMatchObject({
    outputs: { alias: 'live', target: 'primary', collection: 'words', before: null },
  })
  expect((await run(switchStep, to('other'))).outputs['before']).toBe('words')
  expect(await meaning()).toBe('other')
})

test.each([
  ['a collection that is not there', to('none'), 'collection-not-found'],
  ['the name of a collection', { ...to('other'), alias: 'words' }, 'collection-exists'],
])('%s is refused, and nothing is switched', async (_, input, code) => {
  const { run, meaning } = await place()
  await run(switchStep, to('words'))
  await expect(run(switchStep, input)).rejects.toMatchObject({ code })
  expect(await meaning()).toBe('words')
})

describe('taken back', () => {
  test('it means what it meant before, also twice', async () => {
    const { run, meaning, undo } = await place()
    await run(switchStep, to('words'))
    const { again } = await undo({})
    expect(await again()).toMatchObject({ outputs: { collection: 'words' } })
    expect(await meaning()).toBe('words')
    expect(await again()).toMatchObject({ outputs: { collection: 'words' } })
    expect(await meaning()).toBe('words')
  })

  test('one that was not there goes', async () => {
    const { meaning, undo } = await place()
    const { again } = await undo({})
    await again()
    expect(await meaning()).toBeNull()
    await again()
    expect(await meaning()).toBeNull()
  })

  test('what somebody else has switched since stays', async () => {
    const { run, load, meaning, undo } = await place()
    await run(switchStep, to('words'))
    const { again } = await undo({})
    await load('third', 3)
    await run(switchStep, to('third'))
    await again()
    expect(await meaning()).toBe('third')
  })
})

describe('interrupted', () => {
  test('before the change it is repeated, and remembers the same former meaning', async () => {
    const here = await place()
    await here.run(switchStep, to('words'))
    const begun = await here.die(switchStep, to('other'), 'before the change')
    expect(begun.note).toMatchObject({ meant: 'words' })
    const examined = await here.examine(switchStep, to('other'), begun)
    expect(examined).toEqual({ state: 'repeat', found: 'live on primary means words' })
    const nothingNoted = await here.examine(switchStep, to('other'), { at: begun.at })
    expect(nothingNoted).toMatchObject({ state: 'repeat' })
  })

  test('after it it is done, and returns what it would have returned', async () => {
    const here = await place()
    const begun = await here.die(switchStep, to('other'), 'after the change')
    const examined = await here.examine(switchStep, to('other'), begun)
    expect(examined).toMatchObject({ state: 'done', result: begun.result })
  })

  test('when somebody else has switched it meanwhile nobody can tell', async () => {
    const here = await place()
    await here.run(switchStep, to('words'))
    const begun = await here.die(switchStep, to('other'), 'after the change')
    await here.load('third', 3)
    await here.run(switchStep, to('third'))
    const examined = await here.examine(switchStep, to('other'), begun)
    expect(examined).toMatchObject({ state: 'unknown' })
  })
})

describe('what is needed and typed', () => {
  const plan = buildPlan({
    targets: [buildTarget('primary', '/srv/primary'), buildTarget('second', '/srv/second')],
    collections: [{ ...buildCollection('words'), alias: 'live' }],
  })

  test('an alias inside its target is switched by one command', () => {
    const input = { alias: 'live', to: 'primary' }
    expect(switchStep.needs(input, plan)).toEqual([{ target: 'primary', capabilities: ['switch'] }])
    expect(switchStep.describe(input, plan).commands[0]?.slice(-4)).toEqual([
      ...['aliases', 'set', 'live', 'words'],
    ])
  })

  test('one that applications find on another target does not lead there', () => {
    const input = { alias: 'live', to: 'second', collection: text('copy') }
    expect(switchStep.needs(input, plan)).toEqual([
      { target: 'second', capabilities: ['switch to another target'] },
    ])
    expect(switchStep.describe(input, plan).commands).toEqual([])
  })
})

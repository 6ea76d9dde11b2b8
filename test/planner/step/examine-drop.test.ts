import { expect, test } from 'vitest'
import { drop } from '../../../planner/step/drop.ts'
import { importStep } from '../../../planner/step/import.ts'
import { inject } from '../../../planner/step/inject.ts'
import { interruptions } from '../../support/interrupted-step.ts'
import { text } from '../../support/plan-builder.ts'

const input = { target: 'primary', collection: text('words'), ifExists: false }

test('a drop that died before it dropped is repeated', async () => {
  const here = await interruptions(importStep)
  await here.load('words', 10)
  const begun = await here.die(drop, input, 'before the change')
  expect(await here.examine(drop, input, begun)).toMatchObject({ state: 'repeat' })
  expect(await here.examine(drop, input, { at: begun.at })).toMatchObject({
    state: 'repeat',
    found: 'nothing was dropped',
  })
})

test('a drop that is done returns what it would have returned', async () => {
  const here = await interruptions(importStep)
  await here.load('words', 10)
  const begun = await here.die(drop, input, 'after the change')
  const examined = await here.examine(drop, input, begun)
  expect(examined).toMatchObject({ state: 'done', found: 'words is gone from primary' })
  expect(examined).toMatchObject({ result: begun.result })
})

test('a collection that somebody made in between is not dropped for the old one', async () => {
  const here = await interruptions(importStep)
  await here.load('words', 10)
  const begun = await here.die(drop, input, 'after the change')
  await here.load('words', 20)
  expect(await here.examine(drop, input, begun)).toEqual({
    state: 'unknown',
    found: 'another collection words is on primary now',
  })
})

test('an injected disaster keeps the last acknowledged write that it took', async () => {
  const here = await interruptions(importStep)
  await here.load('words', 10)
  const disaster = { fault: 'drop-collection', target: 'primary', collection: 'words' } as const
  const begun = await here.die(inject, disaster, 'after the change')
  const examined = await here.examine(inject, disaster, begun)
  const { lastAcknowledged, disasterAt } = begun.result?.outputs ?? {}
  expect(examined).toMatchObject({ state: 'done', result: { outputs: { lastAcknowledged } } })
  // the last look before it, under the same lock
  const told = examined?.state === 'done' ? examined.result.outputs['disasterAt'] : undefined
  expect(Date.parse(String(told))).toBeLessThanOrEqual(Date.parse(String(disasterAt)))
})

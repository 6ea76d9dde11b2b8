import { expect, test } from 'vitest'
import { importStep } from '../../../planner/step/import.ts'
import { interruptions } from '../../support/interrupted-step.ts'

test('an import that was interrupted is repeated, and made the collection all the same', async () => {
  const here = await interruptions(importStep)
  const input = await here.importOf('words', 30)
  const begun = await here.die(importStep, input, 'after the change')
  expect(await here.examine(importStep, input, begun)).toEqual({
    state: 'repeat',
    found: 'words has 30 points; those of the file are upserted again',
  })
  const repeated = await here.repeat(importStep, input, begun)
  expect(repeated.outputs).toMatchObject({ created: true, count: 30 })
  expect(repeated.outputs['digest']).toBe(begun.result?.outputs['digest'])
})

test('one that died again in its repetition still knows that it made the collection', async () => {
  const here = await interruptions(importStep)
  const input = await here.importOf('words', 30)
  const begun = await here.die(importStep, input, 'after the change')
  let noted = {}
  const context = {
    ...here.context,
    interrupted: begun,
    note: async (note: object) => void Object.assign(noted, note),
  }
  await importStep.run(input, context)
  noted = { ...noted }
  expect(noted).toMatchObject({ before: null })
})

test('into a collection that was there it makes none', async () => {
  const here = await interruptions(importStep)
  await here.load('words', 5)
  const input = await here.importOf('words', 30)
  const begun = await here.die(importStep, input, 'before the change')
  expect((await here.repeat(importStep, input, begun)).outputs).toMatchObject({ created: false })
})

import { expect, it } from 'vitest'
import { NameGates } from '../../../engine/collection/name-gates.ts'
import { openTest, smallConfig } from '../../support/collections.ts'
import { temporaryDirectory } from '../../support/temporary-directory.ts'

it('lets one change of a name go after the other, and others pass when all are over', async () => {
  const gates = new NameGates()
  const seen: string[] = []
  let finish: () => void = () => {}
  const held = new Promise<void>((resolve) => {
    finish = resolve
  })
  const first = gates.alone('a', async () => {
    await held
    seen.push('first')
  })
  const second = gates.alone('a', async () => {
    seen.push('second')
    throw new Error('it failed')
  })
  expect(gates.passing('b')).toBeUndefined()
  const passed = gates.passing('a')?.then(() => seen.push('passed'))
  finish()
  await first
  await expect(second).rejects.toThrow('it failed')
  await passed
  expect(seen).toEqual(['first', 'second', 'passed'])
  expect(gates.passing('a')).toBeUndefined()
})

it('keeps the files of a collection that is being dropped from being opened once more', async () => {
  const directory = await openTest(await temporaryDirectory())
  const collection = await directory.create('c', smallConfig)
  await collection.upsert([{ id: 1, vector: [1, 2, 3, 4, 5, 6, 7, 8] }])
  const dropping = directory.drop('c')
  const opening = directory.open('c').then(
    () => 'opened',
    (error: Error) => error.message,
  )
  expect(await dropping).toBe(true)
  expect(await opening).toMatch(/^there is no collection "c"/)
  await directory.close()
})

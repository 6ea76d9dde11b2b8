import { expect, test } from 'vitest'
import type { RestoreInput } from '../../../planner/plan/step-inputs.ts'
import { backup } from '../../../planner/step/backup.ts'
import { drop } from '../../../planner/step/drop.ts'
import { importStep } from '../../../planner/step/import.ts'
import { restore } from '../../../planner/step/restore.ts'
import { interruptions } from '../../support/interrupted-step.ts'
import { text } from '../../support/plan-builder.ts'

const restoreAs = (as: string, replace: boolean): RestoreInput => ({
  from: ['local'],
  collection: 'words',
  snapshot: { kind: 'latest' },
  into: 'primary',
  as: text(as),
  replace,
  reindex: false,
})

async function withBackup() {
  const here = await interruptions(importStep)
  await here.load('words', 30)
  await here.run(backup, {
    ...{ collections: ['words'], to: 'local', id: text('s1'), mode: 'incremental' },
  })
  return here
}

test('a restore that is done is known by its digest, and returns what it would have returned', async () => {
  const here = await withBackup()
  const input = restoreAs('copy', false)
  const begun = await here.die(restore, input, 'after the change')
  const examined = await here.examine(restore, input, begun)
  // how its graphs came about is not known any more
  const { graphs: _, ...outputs } = begun.result?.outputs ?? {}
  expect(examined).toMatchObject({ state: 'done', result: { outputs } })
})

test('a restore that had not put its collection in place goes on', async () => {
  const here = await withBackup()
  const input = restoreAs('copy', false)
  const begun = await here.die(restore, input, 'before the change')
  expect(await here.examine(restore, input, begun)).toMatchObject({
    state: 'repeat',
    found: 'copy is not on primary; the restore goes on',
  })
})

test('a replacement tells the collection that it replaces from the one that it made', async () => {
  const here = await withBackup()
  await here.load('other', 5)
  const input = restoreAs('other', true)
  const early = await here.die(restore, input, 'before the change')
  expect(await here.examine(restore, input, early)).toMatchObject({
    state: 'repeat',
    found: 'other on primary is not replaced yet',
  })
  const late = await here.die(restore, input, 'after the change')
  expect(await here.examine(restore, input, late)).toMatchObject({ state: 'done' })
})

test('a replaced collection that was written to since is not replaced again by itself', async () => {
  const here = await withBackup()
  await here.load('other', 5)
  const input = restoreAs('other', true)
  const begun = await here.die(restore, input, 'after the change')
  await here.load('other', 50)
  expect(await here.examine(restore, input, begun)).toMatchObject({
    state: 'unknown',
    found: expect.stringContaining('it was restored and written to since'),
  })
})

test('a collection of that name that somebody else made is not taken for the restored one', async () => {
  const here = await withBackup()
  const input = restoreAs('copy', false)
  const begun = await here.die(restore, input, 'before the change')
  await here.load('copy', 3)
  expect(await here.examine(restore, input, begun)).toMatchObject({ state: 'unknown' })
  await here.run(drop, { target: 'primary', collection: text('copy'), ifExists: false })
  expect(await here.examine(restore, input, begun)).toMatchObject({ state: 'repeat' })
})

import { expect, test } from 'vitest'
import type { BackupInput } from '../../../planner/plan/step-inputs.ts'
import { backup } from '../../../planner/step/backup.ts'
import { importStep } from '../../../planner/step/import.ts'
import { interruptions } from '../../support/interrupted-step.ts'
import { text } from '../../support/plan-builder.ts'

const input = (...collections: string[]): BackupInput => ({
  ...{ collections, to: 'local', id: text('s1'), mode: 'incremental' },
})

test('a snapshot that a dead process completed is taken as it is, also when the source has moved on', async () => {
  const here = await interruptions(importStep)
  await here.load('words', 20)
  const begun = await here.die(backup, input('words'), 'after the change')
  await here.load('words', 40)
  const examined = await here.examine(backup, input('words'), begun)
  expect(examined).toMatchObject({ state: 'done', result: begun.result })
})

test('of several collections only those without a snapshot are backed up again', async () => {
  const here = await interruptions(importStep)
  await here.load('words', 20)
  const begun = await here.die(backup, input('words'), 'after the change')
  await here.load('words', 40)
  await here.load('other', 10)
  const both = input('words', 'other')
  expect(await here.examine(backup, both, begun)).toMatchObject({
    state: 'repeat',
    found: '1 of 2 snapshots is there; what is missing is backed up',
  })
  expect((await here.repeat(backup, both, begun)).outputs).toMatchObject({
    snapshots: [
      { collection: 'words', count: 20 },
      { collection: 'other', count: 10 },
    ],
  })
})

test('a snapshot of that id that stood there before is not taken for the own one', async () => {
  const here = await interruptions(importStep)
  await here.load('words', 20)
  await here.run(backup, input('words'))
  await here.load('words', 40)
  const begun = { at: here.context.clock.nowMs() + 1 }
  expect(await here.examine(backup, input('words'), begun)).toMatchObject({ state: 'repeat' })
  await expect(here.repeat(backup, input('words'), begun)).rejects.toMatchObject({
    code: 'snapshot-exists',
  })
})

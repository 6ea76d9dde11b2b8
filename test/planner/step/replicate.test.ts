import { expect, test } from 'vitest'
import { replicate } from '../../../planner/step/replicate.ts'
import type { Following, StandbyAdapter } from '../../../planner/target/standby.ts'
import { buildDestination, buildPlan } from '../../support/plan-builder.ts'
import { buildAdapter, stepBench } from '../../support/step-bench.ts'

const input = {
  from: 'primary',
  to: 'standby',
  collections: ['words'],
  mode: 'async',
  base: 'offsite',
} as const

/** Two nodes of which the second has no copy, and what the first was asked. */
function nodes(joined: Awaited<ReturnType<StandbyAdapter['replicate']>>) {
  const asked: Following[] = []
  const node = (name: string): StandbyAdapter => ({
    read: async () => ({ node: { name, url: `http://${name}` }, copies: [] }),
    replicate: async (_, __, how) => {
      asked.push(how)
      return joined
    },
    rejoin: () => Promise.reject(new Error('nobody joins again')),
    fence: () => Promise.reject(new Error('nobody is fenced')),
    lossOf: () => Promise.reject(new Error('nothing is lost')),
    promote: () => Promise.reject(new Error('nobody is promoted')),
    lost: () => Promise.reject(new Error('nothing was lost')),
    readLost: () => Promise.reject(new Error('nothing was lost')),
    markReplayed: () => Promise.reject(new Error('nothing was lost')),
    replay: () => Promise.reject(new Error('nothing is replayed')),
  })
  const plan = buildPlan({ destinations: [buildDestination('offsite')] })
  const target = (name: string) => buildAdapter({ name, standby: node(name) })
  return { ...stepBench({ plan, target }), asked }
}

test('a node begins with the destination that the plan names, and the snapshot is in the record', async () => {
  const from = { snapshotId: 's1', lsn: 7 }
  const { context, asked, remarks } = nodes({ how: 'snapshot', from })
  const { outputs } = await replicate.run(input, context)
  expect(asked).toEqual([{ mode: 'async', base: 'file:///backups/offsite' }])
  expect(outputs).toMatchObject({
    collections: { words: { how: 'seeded', snapshot: { id: 's1', lsn: 7 } } },
  })
  expect(remarks).toEqual(['standby follows primary with words, from snapshot s1 of offsite on'])
})

test('where it was no snapshot after all, the reason is told', async () => {
  const { context, remarks } = nodes({ how: 'base', instead: 's1 reaches LSN 5' })
  await replicate.run(input, context)
  expect(remarks.join()).toContain('not taken from offsite, but from primary: s1 reaches LSN 5')
})

test('a destination to begin with counts as read', () => {
  expect(replicate.touches(input, buildPlan())).toContainEqual({
    access: 'reads',
    what: 'destination',
    name: 'offsite',
  })
})

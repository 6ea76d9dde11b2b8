import { expect, test } from 'vitest'
import type { LastLook } from '../../../planner/audit/last-looks.ts'
import { findingsOf, instead, soundPlan, today } from '../../support/sound-plan.ts'

const minute = 60_000

/** Without the schedule that looks. */
const unwatched = (text: string): string => {
  const [from, to] = [text.indexOf('\n  lag:'), text.indexOf('\n  nightly:')]
  return text.slice(0, from) + text.slice(to)
}

const lookedAt = (agoMs: number, target = 'standby'): { readonly looks: readonly LastLook[] } => ({
  looks: [
    {
      ...{ collection: 'products', target, at: today - agoMs, seconds: 1 },
      ...{ records: 0, bytes: 0, lsn: 9 },
    },
  ],
})

test('a standby that nothing looks at by the clock is found', async () => {
  expect(unwatched(soundPlan)).not.toContain('wait: { lag: { collection: products, below: 10s } }')
  const [found] = await findingsOf(unwatched, {}, 'lag-seldom')
  expect(found?.message).toBe(
    'by the clock nothing measures how far the standby of products is behind',
  )
})

test('where people look, a look is old once it is older than the RPO', async () => {
  expect(await findingsOf(unwatched, lookedAt(15 * minute), 'lag-stale')).toEqual([])
  const [found] = await findingsOf(unwatched, lookedAt(16 * minute), 'lag-stale')
  expect(found?.arithmetic.join()).toContain('16 min > 15 min')
  const noRpo = (text: string) => instead(['rpo: 15m, ', ''])(unwatched(text))
  expect(await findingsOf(noRpo, lookedAt(16 * minute), 'lag-stale')).toEqual([])
  expect(await findingsOf(noRpo, lookedAt(25 * 60 * minute), 'lag-stale')).toHaveLength(1)
})

test('a look at a target that no longer follows says nothing', async () => {
  const old = lookedAt(600 * minute, 'former')
  expect(await findingsOf((text) => text, old, 'lag-stale')).toEqual([])
})

import { describe, expect, it } from 'vitest'
import type { Candidate } from '../../../engine/retention/keep-rules.ts'
import { suspicions } from '../../../engine/retention/suspicions.ts'
import { dayMs, startMs } from './small-repository.ts'

const snapshot = (lsn: number, changes: Partial<Candidate> = {}): Candidate => ({
  collection: 'products',
  snapshotId: `s${lsn}`,
  uuid: 'u1',
  epoch: '000001-00112233aabbccdd',
  lsn,
  asOfMs: startMs + lsn * dayMs,
  createdMs: startMs + lsn * dayMs,
  count: 100,
  tags: [],
  pinned: undefined,
  isBad: false,
  ...changes,
})

/** What two clocks may differ by. */
const slackMs = 300_000
const now = startMs + 100 * dayMs

describe('something is suspicious', () => {
  it('when the newest snapshot lost more than half of the points', () => {
    expect(suspicions([snapshot(1), snapshot(2, { count: 50 })], [], now)).toEqual([])
    expect(suspicions([snapshot(2, { count: 49 }), snapshot(1)], [], now)).toEqual([
      'the newest snapshot s2 of products has 49 points, less than half of the 100 of s1 before it',
    ])
    // of another history, or longer ago: that is not about the newest backup
    const other = snapshot(2, { count: 1, epoch: '000002-00112233aabbccdd' })
    expect(suspicions([snapshot(1), other], [], now)).toEqual([])
    expect(suspicions([snapshot(1), snapshot(2, { count: 1 }), snapshot(3)], [], now)).toEqual([])
  })

  it('when the newest was found damaged, or one cannot be read', () => {
    expect(suspicions([snapshot(1), snapshot(2, { isBad: true })], [], now)).toEqual([
      expect.stringMatching(/the newest snapshot s2 of products was found damaged/),
    ])
    expect(suspicions([snapshot(1)], ['x.json is damaged'], now)).toEqual([
      expect.stringMatching(/may be the newest cannot be read: x.json is damaged/),
    ])
  })

  it('case 40: when the clock is behind the newest snapshot', () => {
    expect(suspicions([snapshot(1), snapshot(2)], [], startMs + 2 * dayMs - slackMs)).toEqual([])
    expect(suspicions([snapshot(1), snapshot(2)], [], startMs + 2 * dayMs - slackMs - 1)).toEqual([
      'the clock says 2026-01-02T23:54:59.999Z, but s2 of products was taken at 2026-01-03T00:00:00.000Z: one of the two is wrong',
    ])
  })

  it('case 40: when the clock is behind what else the repository knows', () => {
    const recorded = startMs + 50 * dayMs
    expect(suspicions([snapshot(1)], [], recorded - slackMs, recorded)).toEqual([])
    expect(suspicions([snapshot(1)], [], recorded - slackMs - 1, recorded)).toEqual([
      expect.stringMatching(/the repository was used at 2026-02-20T00:00:00.000Z: one of the two/),
    ])
  })

  it('case 40: when a snapshot was taken by a clock that is years ahead', () => {
    const ahead = startMs + 3_652 * dayMs
    const wrong = [3, 4].map((lsn) =>
      snapshot(lsn, { asOfMs: ahead + lsn, createdMs: ahead + lsn }),
    )
    expect(suspicions([snapshot(1), snapshot(2), ...wrong], [], ahead + dayMs)).toEqual([
      's3 of products was taken 3650 days after s2: a clock may have been wrong',
    ])
  })
})

import { expect, test } from 'vitest'
import type { KnownPoint } from '../../../planner/audit/recovery-points.ts'
import { livePoints } from '../../../planner/standing/live-points.ts'
import type { Position } from '../../../planner/target/target.ts'

const source = { uuid: 'u', history: 'h' }
const snapshot = (id: string, lsn: number, changes: Partial<KnownPoint> = {}): KnownPoint => ({
  ...{
    collection: 'words',
    destination: 'local',
    kind: 'snapshot',
    id,
    lsn,
    asOfAt: 1_000,
    source,
  },
  verifiedAt: 1_100,
  ...changes,
})
const held = (id: string, lsn: number, of = source) => ({
  ...{ collection: 'words', snapshotId: id, lsn, asOfAt: 1_000, ...of },
})
const position = (lsn: number, history = 'h'): Position => ({
  ...{ uuid: 'u', epoch: { number: 1, history }, lsn, count: 5, observedAt: 9_000 },
})
const nobody = { positions: new Map(), holdings: new Map() }

test('where nobody answers, points are those of the ledger', () => {
  const known = [snapshot('a', 3), snapshot('b', 4, { destination: 'far' })]
  expect(livePoints(known, nobody)).toEqual(known)
})

test('what a destination no longer holds is no point, and what it holds besides is one that nobody verified', () => {
  const holding = { snapshots: [held('b', 4), held('by-hand', 5)], reaches: [] }
  const live = { ...nobody, holdings: new Map([['local', holding]]) }
  const known = [snapshot('a', 3), snapshot('b', 4), snapshot('a', 3, { destination: 'far' })]
  const points = livePoints(known, live)
  expect(points.map(({ destination, id }) => `${destination} ${id}`)).toEqual([
    ...['local b', 'far a', 'local by-hand'],
  ])
  expect(points.at(-1)?.verifiedAt).toBeUndefined()
})

test('a snapshot of the same name of another history is another one', () => {
  const holding = { snapshots: [held('a', 3, { uuid: 'u', history: 'later' })], reaches: [] }
  const [point] = livePoints([snapshot('a', 3)], {
    ...nobody,
    holdings: new Map([['local', holding]]),
  })
  expect(point).toMatchObject({ id: 'a', source: { history: 'later' } })
  expect(point?.verifiedAt).toBeUndefined()
})

test('an archive counts while a restore reaches what it claims', () => {
  const archive = snapshot('x', 9, { kind: 'archive' })
  const reaching = (lsn: number) => ({
    ...nobody,
    holdings: new Map([['local', { snapshots: [], reaches: [{ ...source, lsn }] }]]),
  })
  expect(livePoints([archive], reaching(9))).toHaveLength(1)
  expect(livePoints([archive], reaching(8))).toEqual([])
})

test.each([
  ['stands where it stood', position(4), 9_000],
  ['has gone on', position(5), 1_000],
  ['is of another history', position(4, 'later'), 1_000],
])('when the source %s its point is as of %s', (_, now, asOfAt) => {
  const live = { ...nobody, positions: new Map([['words', now]]) }
  expect(livePoints([snapshot('b', 4)], live)[0]?.asOfAt).toBe(asOfAt)
})

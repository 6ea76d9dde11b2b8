import { expect, test } from 'vitest'
import { type LastLook, lastLooks } from '../../../planner/audit/last-looks.ts'
import type { LiveReading, LiveStandby } from '../../../planner/cli/read-live.ts'
import { standbysOf, tellStandbys } from '../../../planner/cli/status-standbys.ts'
import { Standing } from '../../../planner/standing/standing.ts'
import { ledgerOf, stepAt } from '../../support/ledger-builder.ts'
import { planOf, soundPlan } from '../../support/sound-plan.ts'

const start = Date.UTC(2026, 5, 1)
const second = 1_000
const plan = await planOf(soundPlan)

const look = (at: number, seconds: number, more = {}) =>
  stepAt(at, at + second, {
    ...{ step: 'wait', kind: 'wait', inputs: { kind: 'lag', collection: 'products' } },
    outputs: {
      lookedAt: new Date(at).toISOString(),
      lag: { standby: { seconds, records: 3, bytes: 2_048, lsn: 9, ...more } },
    },
  })

const entriesOf = (...steps: ReturnType<typeof look>[]) =>
  ledgerOf({ run: 'r', kind: 'schedule', name: 'lag', startedAt: start, steps })

const looks = lastLooks('test', entriesOf(look(start, 9), look(start + 60 * second, 1.5)))

async function told(known: readonly LastLook[], live?: LiveReading, ageSeconds = 90) {
  const lines: string[] = []
  const print = async (line: string) => void lines.push(line.replace(/ {2,}/g, ' | '))
  const now = start + 60 * second + ageSeconds * second
  await tellStandbys({ print, warn: print }, standbysOf(plan, known, live, now))
  return lines.slice(1).filter((line) => line !== '')
}

test('the newest look counts, with its age, and what the standby survives', async () => {
  expect(await told(looks)).toEqual([
    // 1.5 s behind, and 90 s ago
    'products | standby (async) | 3 records, 2.0 KiB, 1.5 s | 1 min 30 s ago | 1 min 31 s | node disk region account vendor',
  ])
  expect(await told([])).toEqual([
    'products | standby (async) | not measured | never | not known | node disk region account vendor',
  ])
})

test('a line of an earlier version, without bytes and the time of the look, counts from its end', () => {
  const old = stepAt(start, start + second, {
    ...{ step: 'wait', kind: 'wait', inputs: { kind: 'lag', collection: 'products' } },
    outputs: { lag: { standby: { seconds: 2, records: 0, lsn: 9 } } },
  })
  expect(lastLooks('test', entriesOf(old))).toEqual([
    {
      ...{ collection: 'products', target: 'standby', at: start + second, seconds: 2 },
      ...{ records: 0, bytes: null, lsn: 9 },
    },
  ])
})

test('what is remembered beside the ledger has the looks too', () => {
  const standing = new Standing('test')
  for (const entry of entriesOf(look(start + 60 * second, 1.5))) standing.read(entry)
  const again = new Standing('test', JSON.parse(JSON.stringify(standing.known())))
  expect(again.looks()).toEqual(looks)
})

const reading = (found: Partial<LiveStandby> | string): LiveReading => ({
  ...{ positions: new Map(), holdings: new Map() },
  standbys:
    typeof found === 'string'
      ? []
      : [
          {
            collection: 'products',
            target: 'standby',
            at: start + 149 * second,
            copy: null,
            ...found,
          },
        ],
  silent: {
    ...{ collections: new Map(), destinations: new Map() },
    standbys: new Map(typeof found === 'string' ? [['standby', found]] : []),
  },
})

const copy = (following: object | null, role = 'standby') =>
  ({
    copy: {
      name: 'products',
      uuid: 'u',
      role,
      fenced: false,
      epoch: { number: 2, history: 'h' },
      following,
    },
  }) as unknown as Partial<LiveStandby> // no more of it is looked at

test('live, it is asked now; one that does not answer stands as it was, with the reason', async () => {
  const now = { state: 'following', problem: null, seconds: 0.25, records: 0, bytes: 0 }
  expect(await told(looks, reading(copy(now)))).toEqual([
    'products | standby (async) | 0 records, 0 B, 0.3 s | now | 1 s | node disk region account vendor',
  ])
  const remembered = expect.stringContaining('1.5 s | 1 min 30 s ago')
  expect(await told(looks, reading('it does not answer'))).toEqual([
    remembered,
    'standby standby of products: it does not answer',
  ])
  const strange = { ...now, state: 'diverged', seconds: null }
  for (const [found, says] of [
    [copy(strange), 'diverged'],
    [copy(null, 'primary'), 'it writes itself, in epoch 2'],
    [{}, 'it has no copy'],
    [{ problem: 'a file is damaged' }, 'a file is damaged'],
  ] as const) {
    expect(await told(looks, reading(found))).toEqual([
      remembered,
      `standby standby of products: ${says}`,
    ])
  }
})

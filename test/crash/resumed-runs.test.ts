/** A run in one process, killed at each call of its disk in turn and resumed; and the power cut, time and again. */
import { expect, test } from 'vitest'
import { tellCount } from '../support/counts.ts'
import { sweepKills, sweepPowerCuts, trees } from '../support/resumable-run.ts'

test.each(Object.entries(trees))(
  'case 1: %s ends the same wherever it is killed and resumed',
  async (what, build) => {
    const count = await sweepKills(build, 1)
    tellCount({ kind: 'kill -9', what: `runs, then resumed: ${what}`, count })
    expect(count).toBeGreaterThan(60)
  },
)

test('case 2: power cuts at random calls of a run and of its resumptions', async () => {
  const seed = Number(process.env['VECTRA_SEED'] ?? 20261127)
  const cuts = await sweepPowerCuts(trees['a run that passes'], 200, seed)
  tellCount({ kind: 'power cut', what: 'runs, then resumed', count: cuts, seed })
  expect(cuts).toBeGreaterThan(200)
})

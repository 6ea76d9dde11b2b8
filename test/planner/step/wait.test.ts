import { expect, test } from 'vitest'
import { OperatingError } from '../../../engine/base/errors.ts'
import { wait } from '../../../planner/step/wait.ts'
import type { Copy, NodeReading, StandbyAdapter } from '../../../planner/target/standby.ts'
import { manualClock } from '../../support/manual-clock.ts'
import { manualTimer, settle } from '../../support/manual-timer.ts'
import { buildPlan, somewhere } from '../../support/plan-builder.ts'
import { buildAdapter, stepBench } from '../../support/step-bench.ts'

const start = Date.UTC(2026, 0, 1)
const plan = buildPlan({
  replication: new Map([
    [
      'words',
      {
        ...{ collection: 'words', from: 'primary', to: ['standby'], mode: 'async' as const },
        place: somewhere,
      },
    ],
  ]),
})

const copy = (following: Copy['following']): Copy => ({
  ...{ name: 'words', uuid: 'u', role: following === null ? 'primary' : 'standby', fenced: false },
  ...{ epoch: { number: 1, history: 'h' }, lsn: 9, count: 9, primary: null, following },
})

const behind = (seconds: number | null, state = 'following', problem: string | null = null) =>
  copy({ records: 1, bytes: 64, seconds, state, problem })

/** The standby as it stands at each look, the last one for good. */
function looking(...stands: readonly (Copy | OperatingError)[]) {
  const clock = manualClock(start)
  const timer = manualTimer(clock)
  let looks = 0
  const adapterOf = (name: string) => {
    const read = async (): Promise<NodeReading> => {
      const node = { name, url: `http://${name}` }
      const stand = name === 'primary' ? copy(null) : stands[Math.min(looks++, stands.length - 1)]
      return stand instanceof OperatingError
        ? { node, copies: [], broken: [{ name: 'words', problem: stand.toJSON() }] }
        : { node, copies: [stand ?? copy(null)] }
    }
    // nothing else is asked of a node by this step
    return buildAdapter({ name, standby: { read } as unknown as StandbyAdapter })
  }
  const { context } = stepBench({ plan, clock, timer })
  const running = wait.run(
    { kind: 'lag', collection: 'words', belowMs: 1_000 },
    { ...context, target: adapterOf },
  )
  return { running, timer }
}

test('what is left says what it was at first, what it is, and since before which moment', async () => {
  const { running, timer } = looking(behind(null), behind(7), behind(0.5))
  await settle()
  await timer.pass(500)
  const { outputs } = await running
  const each = { records: 1, bytes: 64, lsn: 9, uuid: 'u', history: 'h' }
  expect(outputs).toEqual({
    waitedMs: 500,
    lookedAt: new Date(start + 500).toISOString(),
    first: { standby: { ...each, seconds: null } },
    lag: { standby: { ...each, seconds: 0.5 } },
  })
})

test('a standby that has diverged is not waited for', async () => {
  const { running } = looking(behind(3, 'diverged', 'words has records here'))
  const { outputs, error } = await running
  expect(outputs).toEqual({ diverged: { standby: 'words has records here' } })
  expect(error).toMatchObject({ code: 'step-failed' })
  expect(error?.message).toBe('standby follows words no more: words has records here')
})

test('a standby that is being opened or mended is waited for; one that cannot be opened ends it, and says why', async () => {
  const busy = new OperatingError('locked', 'words is being mended', 'Look again.')
  const { running, timer } = looking(busy, busy, behind(0.5))
  await settle()
  await timer.pass(1_000)
  expect((await running).outputs).toMatchObject({ waitedMs: 500 })
  const damaged = new OperatingError('damaged', 'manifest-7.json is damaged', 'Restore it.')
  await expect(looking(damaged).running).rejects.toMatchObject({
    code: 'damaged',
    message: 'manifest-7.json is damaged',
  })
})

/** What only an old primary has is written again: two served nodes, each with files that nobody else reads. */
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { OperatingError } from '../../../engine/base/errors.ts'
import { VectraClient } from '../../../engine/operations.ts'
import { reconcile } from '../../../planner/step/reconcile.ts'
import { servedStandby } from '../../../planner/target/served-standby.ts'
import type { StandbyAdapter } from '../../../planner/target/standby.ts'
import { runCli } from '../../engine/cli/run-cli.ts'
import { buildPlan, somewhere } from '../../support/plan-builder.ts'
import { type Serving, serving } from '../../support/serving.ts'
import { buildAdapter, stepBench } from '../../support/step-bench.ts'
import { temporaryDirectory } from '../../support/temporary-directory.ts'

const c = '/vectra/v1/collections/c'
const lostIds = ['lost-1', 'lost-2']

/** n2 was promoted, and n1, which comes back, has two points that n2 lacks. */
async function failedOver() {
  const root = await temporaryDirectory()
  const start = (name: string, port = 0) =>
    serving(join(root, name), { name, listen: { host: '127.0.0.1', port } })
  const portOf = ({ url }: Serving) => Number(new URL(url).port)
  let first = await start('n1')
  let second = await start('n2')
  await first.ask('PUT', c, { dimension: 2, index: { kind: 'flat' } })
  const { node } = (await second.ask('GET', '/vectra/v1/cluster')).body
  await first.ask('POST', '/vectra/v1/cluster/nodes', node)
  await first.ask('PUT', `${c}/replicas/n2`, { mode: 'async' })
  await second.close()
  const points = lostIds.map((id) => ({ id, vector: [1, 2] }))
  await first.ask('POST', `${c}/points`, { points })
  await first.close()
  second = await start('n2', portOf(second))
  const promote = ['cluster', 'promote', 'c', '--yes', '--endpoint', second.url]
  expect((await runCli(promote)).exitCode).toBe(0)
  first = await start('n1', portOf(first))
  return { first, second }
}

/** The step over both, in which the first file that is asked for does not come. */
function stepOf({ first, second }: { first: Serving; second: Serving }) {
  const place = somewhere
  const words = { collection: 'c', from: 'n1', to: ['n2'], mode: 'async' as const, place }
  const plan = buildPlan({ replication: new Map([['c', words]]) })
  const urls = new Map(Object.entries({ n1: first.url, n2: second.url }))
  let reads = 0
  const standby = (name: string): StandbyAdapter => {
    const node = servedStandby(
      ({ signal }) =>
        new VectraClient({ endpoint: urls.get(name) ?? '', token: undefined, signal }),
      () => Promise.reject(new Error('nothing is located')),
    )
    const readLost: StandbyAdapter['readLost'] = (...asked) => {
      if (reads++ > 0) return node.readLost(...asked)
      return Promise.reject(new OperatingError('unreachable', 'the line was cut', 'Try again.'))
    }
    return { ...node, readLost }
  }
  const target = (name: string) => buildAdapter({ name, standby: standby(name) })
  const { context, remarks } = stepBench({ plan, target })
  const run = () => reconcile.run({ collection: 'c', from: 'n2', lost: 'replay' }, context)
  return { run, remarks }
}

test('a file on another machine is had from its server, also by a try after one that was cut off, and replayed once', async () => {
  const nodes = await failedOver()
  const { run, remarks } = stepOf(nodes)
  await expect(run()).rejects.toThrow('the line was cut')
  expect((await nodes.second.ask('GET', c)).body.count).toBe(0)
  expect((await run()).outputs).toMatchObject({ missing: 1, replayed: 2, different: 0 })
  expect((await nodes.second.ask('GET', c)).body.count).toBe(2)
  // what was deleted since is not brought back by a further try
  await nodes.second.ask('POST', `${c}/points/delete`, { ids: lostIds })
  expect((await run()).outputs).toMatchObject({ missing: 0, replayed: 0 })
  expect(remarks.join()).toContain('was replayed before')
  expect((await nodes.second.ask('GET', c)).body.count).toBe(0)
})

test('a try after somebody replayed the file by hand finds that out', async () => {
  const nodes = await failedOver()
  const { run, remarks } = stepOf(nodes)
  await expect(run()).rejects.toThrow('the line was cut')
  const [file] = (await nodes.first.ask('GET', `${c}/lost-records`)).body.files
  expect(file).toMatchObject({ isOfLastPromotion: true, isReplayed: false })
  const byHand = ['collections', 'reconcile', 'c', file.path, '--endpoint', nodes.second.url]
  expect((await runCli([...byHand, '--replay'])).stdout).toContain('2 written')
  expect((await run()).outputs).toMatchObject({ missing: 0, replayed: 0 })
  expect(remarks.join()).toContain('was replayed before')
})

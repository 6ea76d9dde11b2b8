/**
 * The example plan of two nodes: the commands of its first comment, with the primary killed in between; then
 * what is left of its runbook, and with that failover and failback once more, by hand.
 */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'
import { examplePlan } from './example-plan.ts'
import { commandsOn, followPage } from './runbook-page.ts'
import { type ServedProcess, startServer } from './served.ts'

const runbook = fileURLToPath(new URL('../../runbooks/warm-standby.md', import.meta.url))

test('plans/warm-standby.yaml fails over when the primary is killed, and back, with the loss counted', {
  timeout: 180_000,
}, async () => {
  const example = await examplePlan('warm-standby')
  const { lines, root, type, quickly } = example
  const [first = '', second = '', load = '', begin = '', lag = '', nightly = '', ...rest] = lines
  const [thereAndBack = '', failover = '', failback = '', ...more] = rest
  expect(more).toEqual([])

  const serve = async (line: string, port = '0'): Promise<ServedProcess> => {
    const { data, name } = /--data (?<data>\S+) serve --name (?<name>\S+)/.exec(line)?.groups ?? {}
    const env = {
      PATH: `${join(root, 'bin')}:${process.env['PATH']}`,
      VECTRA_DATA: join(root, data ?? ''),
    }
    const server = await startServer(env, ['--name', name ?? '', '--cluster', 'shop'], port)
    onTestFinished(async () => void (await server.stop('SIGKILL')))
    return server
  }
  const primary = await serve(first)
  const standby = await serve(second)
  const urls = { 'http://127.0.0.1:7700': primary.url, 'http://127.0.0.1:7701': standby.url }
  for (const [written, real] of Object.entries(urls)) {
    await example.edit(new RegExp(`url: "${written}`, 'g'), `url: "${real}`)
  }
  const port = new URL(primary.url).port

  await type(load.replace('http://127.0.0.1:7700', primary.url))
  await quickly(begin)
  await quickly(lag)
  expect((await example.lastRun()).outputs.get('wait')).toMatchObject({
    ...{ lookedAt: expect.any(String), first: { standby: { lsn: expect.any(Number) } } },
    lag: { standby: { records: 0, bytes: 0, uuid: expect.any(String) } },
  })
  await quickly(nightly)
  await quickly(thereAndBack)
  const drilled = await example.lastRun()
  for (const step of ['over', 'back']) {
    expect(drilled.outputs.get(step)).toMatchObject({
      collections: { words: { lostRecords: 0, window: { records: 0 } } },
    })
  }

  // the disaster: writes that nobody has but the primary, and then no primary
  await quickly(lag)
  const at = `--endpoint ${standby.url}`
  await primary.stop('SIGKILL')
  await quickly(failover)
  const failed = await example.lastRun()
  expect(failed.outputs.get('fence')).toMatchObject({ reached: false })
  expect(failed.outputs.get('promote')).toMatchObject({
    collections: { words: { lostRecords: null, window: { records: null, knownRecords: 0 } } },
  })
  expect(failed.outputs.get('reconcile')).toMatchObject({ missing: null })
  await type(
    `vectra-cli ${at} collections upsert words --id after-the-failover --vector '[${Array(100).fill(1)}]'`,
  )
  expect(await type(`vectra-cli ${at} collections count words`)).toContain('10001')

  // the old primary comes back and refuses writes, joins, and takes over again with everything
  const again = await serve(first, port)
  expect(again.url).toBe(primary.url)
  await quickly(failback)
  const back = await example.lastRun()
  expect(back.outputs.get('replicate')).toMatchObject({ collections: { words: { lost: null } } })
  expect(back.outputs.get('promote')).toMatchObject({ collections: { words: { lostRecords: 0 } } })
  const home = `--endpoint ${again.url}`
  expect(await type(`vectra-cli ${home} collections count words`)).toContain('10001')
  const status = await type(`vectra-cli ${home} cluster status --json`)
  expect(status).toContain('"role":"primary"')
  // drill, failover, failback: the audit tells them from the ledger alone
  const { stdout } = await quickly('vectra-dr audit plans/warm-standby.yaml --format json', 3)
  const { sections, verdicts } = JSON.parse(stdout)
  const [replication] = sections.replication
  expect(replication).toMatchObject({ collection: 'words', isWithin: true, failed: [] })
  const targets = replication.promotions.map(({ target }: { target: string }) => target)
  expect(targets).toEqual(['standby', 'primary', 'standby', 'primary'])
  // the failover is a recovery with a time for each phase, and proves the RTO
  const takeovers = sections.recoveries[0].runs.map(
    ({ sequence, takeover }: { sequence: object; takeover: object }) => ({ sequence, takeover }),
  )
  expect(takeovers).toMatchObject([
    { sequence: { name: 'there-and-back' }, takeover: { target: 'standby', isPlanned: true } },
    { sequence: { name: 'failover' }, takeover: { target: 'standby', isPlanned: false } },
  ])
  const rto = verdicts.find(({ objective }: { objective: string }) => objective === 'rto')
  expect(rto).toMatchObject({ verdict: 'met', measured: { countedFrom: 'run start' } })
  expect(rto.measured.phases.map(({ name }: { name: string }) => name)).toEqual([
    'run started',
    'decided',
    'fenced',
    'promoted',
    'switched',
    'answered',
    'serving',
    'checked',
  ])
  // the standby was seeded by the plan, and is all that survives the loss of the region
  const region = sections.exposure.find(({ losses }: { losses: string[] }) =>
    losses.includes('region'),
  )
  expect(region).toMatchObject({
    ...{ survivors: [], standbys: ['standby'], unprovenMs: 0 },
    newest: { kind: 'replica', destination: 'standby', isProven: true },
    copiesAlone: { worstMs: null, verdict: 'unproven' },
  })
  expect(region.replicaMs).toBeGreaterThan(0)

  const asked = await quickly('vectra-dr status plans/warm-standby.yaml --live')
  expect(asked.stdout).toMatch(
    /words +standby \(async\) +\d+ records?, .* s +now +\d+ s +node disk region account vendor/,
  )
  const refused = await type(
    `vectra-cli ${at} collections delete words after-the-failover 2>&1`,
    11,
  )
  expect(refused).toContain(primary.url)

  // once more, from the page
  const written = await readFile(runbook, 'utf8')
  const text = Object.entries(urls).reduce((page, [there, here]) => {
    return page.replaceAll(there, here)
  }, written)
  const env = { PATH: process.env['PATH'] ?? '' }
  let current = again
  const start = process.cwd()
  onTestFinished(() => process.chdir(start))
  process.chdir(join(root, 'plans'))
  const told = await followPage(await commandsOn(text, {}, env), {
    env,
    // typed above, from the project's directory and with answers
    done: lines.map((line) => line.replace(' plans/', ' ').replace(/ --answer .*/, '')),
    before: {
      failover: () => current.stop('SIGKILL'),
      failback: async () => {
        current = await serve(first, port)
      },
    },
    goBack: [`vectra-cli ${home} collections drop words_restored`],
    otherEnds: (typed, procedure) =>
      procedure === 'failover' && typed.includes('cluster fence') ? [12] : undefined,
  })
  expect(told).toContain('node-2 is the primary of words: epoch 6')
  expect(told).toContain('node-1 is the primary of words: epoch 7')
  expect(told).toContain('restored words_restored: 10000 points')
})

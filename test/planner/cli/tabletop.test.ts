import { readdir, readFile, writeFile } from 'node:fs/promises'
import * as path from 'node:path'
import { describe, expect, test } from 'vitest'
import { nodeDisk } from '../../../engine/index.ts'
import { readLedger } from '../../../planner/ledger/ledger-reader.ts'
import type { Simulation } from '../../../planner/tabletop/simulate.ts'
import { dr, smallPlan } from '../../support/dr-command.ts'
import { processorMs } from '../../support/processor-time.ts'
import { referenceEnvironment, referenceFile } from '../../support/reference-plan.ts'
import { storyPlan } from '../../support/simulated-plan.ts'
import { temporaryDirectory } from '../../support/temporary-directory.ts'

/** A generous bound for machines that are slow; this one takes a tenth. */
const mostMs = 2_000

async function reference(...args: string[]) {
  const state = await temporaryDirectory()
  const argv = ['tabletop', referenceFile, '--state', state, ...args]
  const result = await dr(argv, { env: referenceEnvironment })
  return { ...result, state }
}

const last = (result: Awaited<ReturnType<typeof dr>>) =>
  // the summary of this command
  result.objects().at(-1) as {
    outcome: string
    simulation: Simulation
    whatIf?: { changes: string; simulation: Simulation; matrix: Simulation[] }
    matrix: (Simulation & { isAnswer: boolean })[]
    page: { html: string; markdown: string }
    error?: { code: string; message: string; hint: string }
  }

describe('region-loss of the reference plan', () => {
  const regionLoss = ['--scenario', 'region-loss'] as const

  test('ten thousand trials are quick, and most come back in time', async () => {
    await reference(...regionLoss, '--trials', '10', '--json') // loads everything
    const before = processorMs()
    const result = await reference(...regionLoss, '--json')
    expect(processorMs() - before).toBeLessThan(mostMs)
    expect(result.exitCode).toBe(0)
    const { simulation } = last(result)
    expect(simulation).toMatchObject({ scenario: 'region-loss', procedure: 'failover', seed: 7 })
    expect(simulation.trials).toBe(10_000)
    expect(simulation.recovered).toBeGreaterThan(0.9)
    const { p50Ms, p90Ms, p95Ms } = simulation.rto
    expect(p50Ms).toBeGreaterThan(8 * 60_000)
    expect(p90Ms).toBeGreaterThan(p50Ms ?? 0)
    expect(p95Ms).toBeGreaterThanOrEqual(p90Ms ?? 0)
    // behind by up to maxLag
    expect(simulation.rpo[0]?.worstMs).toBeLessThanOrEqual(10_000)
    expect(simulation.leftBehind.map(({ collection }) => collection)).toEqual(['reviews'])
    // nothing was written, and nothing tells when this ran
    expect(await readdir(result.state)).toEqual([])
    expect(result.stdout).not.toMatch(/20\d\d-\d\d-\d\d/)
  })

  test('the same seed prints the same bytes, as text and as JSON', async () => {
    for (const form of [[], ['--json']]) {
      const args = [...regionLoss, '--trials', '300', ...form]
      const [one, two] = [await reference(...args), await reference(...args)]
      expect(one.stdout).toBe(two.stdout)
      expect((await reference(...args, '--seed', '8')).stdout).not.toBe(one.stdout)
    }
  })

  test('no variable has to be set: each that is not is named, and the figures are the same', async () => {
    const args = [...regionLoss, '--trials', '300', '--set', 'objectives.rto=12m']
    const bare = (...more: string[]) => dr(['tabletop', referenceFile, ...more], { env: {} })
    const { assumed: _, ...wanted } = last(await reference(...args, '--json')).simulation
    const { assumed, ...simulation } = last(await bare(...args, '--json')).simulation
    expect(simulation).toEqual(wanted)
    const names = Object.keys(referenceEnvironment).sort()
    const named = ({ stdout }: { stdout: string }) =>
      /stood in for, and nothing asks for their values: (.*)/.exec(stdout)?.[1]?.split(', ').sort()
    const text = await bare(...args)
    expect(named(text)).toEqual(names)
    expect(text.stdout).toBe((await bare(...args)).stdout)
    expect(named(await bare('--all', '--trials', '10'))).toEqual(names)
    expect(named(await bare('--play', '--prepare', '--out', await temporaryDirectory()))).toEqual(
      names,
    )
    expect(assumed.at(-1)).toContain('stood in for')
    expect((await reference(...args)).stdout).not.toContain('stood in for')
    const { S3_ENDPOINT: __, ...others } = referenceEnvironment
    const env = { ...others, CDN_TOKEN: '' }
    const some = await dr(['tabletop', referenceFile, ...args, '--json'], { env })
    expect(some.objects().at(-1)?.['standIns']).toEqual(['S3_ENDPOINT', 'CDN_TOKEN'])
  })

  test('a missing contact stands beside the plain run', async () => {
    const result = await reference(
      ...[...regionLoss, '--trials', '1000', '--json'],
      ...['--without', 'contact:on-call-2', '--data-size', '10x'],
    )
    const { simulation, whatIf } = last(result)
    expect(whatIf?.changes).toBe('without contact:on-call-2, 10 times the data')
    expect(whatIf?.simulation.recovered).toBeLessThan(simulation.recovered / 2)
    expect(whatIf?.simulation.deadEnds[0]?.message).toContain('incident-commander')
  })

  test('other values of the plan are checked and played', async () => {
    const args = [...regionLoss, '--trials', '1000', '--json', '--set']
    const { simulation, whatIf } = last(
      await reference(...args, 'objectives.rto=12m', 'people.escalation.0.role=incident-commander'),
    )
    const rto = (of: Simulation | undefined) =>
      of?.chances.find(({ objective }) => objective === 'rto')
    expect(rto(simulation)?.wantedMs).toBe(20 * 60_000)
    expect(rto(whatIf?.simulation)?.wantedMs).toBe(12 * 60_000)
    // one more who may approve is called at once
    expect(whatIf?.simulation.recovered).toBeGreaterThan(simulation.recovered)
    const bad = await reference(...args, 'objectives.rto=soon')
    expect(bad.exitCode).toBe(2)
    expect(last(bad).error?.message).toMatch(
      /^with --set objectives.rto=soon the plan is not valid/,
    )
  })

  test('the text says what came of it and where each figure comes from', async () => {
    const { stdout, exitCode } = await reference(...regionLoss, '--trials', '500')
    expect(exitCode).toBe(0)
    const lines = stdout.split('\n')
    expect(lines[0]).toBe('scenario region-loss, procedure failover: 500 trials, seed 7')
    expect(lines).toContain('critical path:')
    expect(stdout).toMatch(/RTO of products within 20 min {2}\d/)
    expect(stdout).toMatch(/approve {2}approve {2}default: 2 min 30 s to 15 min, mostly 5 min/)
    expect(stdout).toContain('most of the time: until somebody answers the alarm')
    expect(stdout).toContain(
      'destination vault is counted as lost with node a1, because the plan does not say its node',
    )
  })

  test('--out writes a page with the distributions drawn, the same bytes each time', async () => {
    const out = await temporaryDirectory()
    const pages = async (...args: string[]) => {
      const told = last(await reference(...args, '--trials', '200', '--out', out, '--json'))
      const { html, markdown } = told.page
      return [await readFile(html, 'utf8'), await readFile(markdown, 'utf8')] as const
    }
    const changed = [...regionLoss, '--without', 'contact:on-call-1']
    const [html, markdown] = await pages(...changed)
    expect(await pages(...changed)).toEqual([html, markdown])
    const drawn = [...html.matchAll(/<svg .*?<title id="chart-\d-title">(.*?)<\/title>/gs)]
    expect(drawn.map(([, title]) => title)).toEqual(['RTO of region-loss', 'RPO of products'])
    expect(html).toContain('what if: without contact:on-call-1: 5 % within')
    expect(markdown).toMatch(/^\| RTO \| p5 \| p50 \| p90 \| p95 \| p99 \| worst \|$/m)
    expect(markdown).toContain('A simulation is no evidence')
    const [all] = await pages('--all')
    expect(all.match(/<svg /g)).toHaveLength(1)
    expect((await readdir(out)).sort()).toEqual([
      ...['tabletop-all.html', 'tabletop-all.md'],
      ...['tabletop-region-loss.html', 'tabletop-region-loss.md'],
    ])
  })

  test('--all plays every procedure, and marks the one that is called for', async () => {
    const { matrix } = last(await reference('--all', '--trials', '200', '--json'))
    expect(matrix.map(({ procedure, isAnswer }) => [procedure, isAnswer])).toEqual([
      ['failover', true],
      ['failback', false],
      ['clean-restore', false],
    ])
    // the primary is gone
    expect(matrix.slice(1).map(({ recovered }) => recovered)).toEqual([0, 0])
    expect(matrix[2]?.deadEnds[0]?.message).toContain('needs target primary, which is lost')
    const { stdout } = await reference('--all', '--trials', '200')
    expect(stdout).toMatch(/^scenario +failover +failback +clean-restore\nregion-loss +\d\d/)
  })

  test('--all asks what if of every scenario, and passes nothing over', async () => {
    const out = await temporaryDirectory()
    const args = ['--all', '--trials', '200', '--without', 'contact:on-call-2', '--out', out]
    const { matrix, whatIf, page } = last(await reference(...args, '--json'))
    expect(whatIf?.changes).toBe('without contact:on-call-2')
    expect(whatIf?.matrix).toHaveLength(matrix.length)
    expect(whatIf?.matrix[0]?.recovered).toBeLessThan((matrix[0]?.recovered ?? 0) / 2)
    const { stdout } = await reference(...args)
    expect(stdout.match(/^scenario +failover/gm)).toHaveLength(2)
    expect(stdout).toContain('\nwhat if: without contact:on-call-2\n')
    expect(await readFile(page.markdown, 'utf8')).toContain('What if: without contact:on-call-2')
  })
})

describe('the shop of ten disasters', () => {
  const shop = path.resolve(import.meta.dirname, '../../../plans/scenarios/shop.yaml')
  const play = async (...args: string[]) =>
    last(await dr(['tabletop', shop, '--state', await temporaryDirectory(), '--json', ...args]))

  test('each comes back by the procedure that it calls for, and lost places are no way back', async () => {
    const { matrix } = await play('--all', '--trials', '300')
    expect(matrix).toHaveLength(40)
    for (const { scenario, recovered } of matrix.filter(({ isAnswer }) => isAnswer)) {
      expect({ scenario, isBack: recovered > 0.6 }).toEqual({ scenario, isBack: true })
    }
    const nearby = matrix.filter(({ procedure }) => procedure === 'start-nearby')
    expect(
      nearby.filter(({ recovered }) => recovered === 0).map(({ scenario }) => scenario),
    ).toEqual([
      'region-loss',
      'region-loss-nobody-answers',
      'vendor-outage',
      'ransomware',
      'stolen-credentials',
    ])
  })

  test('its weak spot is the night, and somebody who may decide then mends it', async () => {
    const args = ['--scenario', 'ransomware', '--trials', '1000']
    const { simulation, whatIf } = await play(...args, '--set', 'people.contacts.lead-1.hours=24x7')
    expect(simulation.deadEnds[0]?.message).toContain('waiting for lead included')
    expect(simulation.recovered).toBeLessThan(0.8)
    expect(whatIf?.simulation.recovered).toBeGreaterThan(0.95)
  })
})

test('what real recoveries took is what is played, and the ledger stays as it was', async () => {
  const { file, state } = await smallPlan(
    (text) => `${text}procedures:
  back:
    steps:
      - restore: { from: [backups], collection: points, into: local, as: points_back, replace: true }
      - check: { target: local, collection: points_back, against: snapshot, count: equal, digest: equal }
scenarios:
  spoiled: { kind: data, recover: back, injects: [{ at: 0m, say: "Odd answers.", expect: detect }] }
`,
  )
  expect((await dr(['run', file, '--schedule', 'nightly'])).exitCode).toBe(0)
  for (let run = 0; run < 3; run++) {
    expect((await dr(['recover', file, 'back', '--yes'])).exitCode).toBe(0)
  }
  const ledger = path.join(state, 'ledger.jsonl')
  const before = await readFile(ledger, 'utf8')
  const { simulation } = last(await dr(['tabletop', file, '--json']))
  expect(await readFile(ledger, 'utf8')).toBe(before)
  expect(simulation.recovered).toBe(1)
  expect(simulation.steps.map(({ duration }) => duration)).toEqual([
    { origin: 'measured', text: '3 runs in the ledger' },
    { origin: 'measured', text: '3 runs in the ledger' },
  ])
  const { entries } = await readLedger(nodeDisk, ledger)
  // of a procedure, each from the end of what came before in its run
  const took = (step: string) =>
    entries.flatMap((entry, index) => {
      if (entry.kind !== 'step' || entry.record.step !== step) return []
      const before = entries
        .slice(0, index)
        .findLast(({ kind }) => kind === 'step' || kind === 'run-started')
      const beforeAt = before?.kind === 'step' ? before.record.endedAt : (before?.at ?? '')
      return [Date.parse(entry.record.endedAt) - Date.parse(beforeAt)]
    })
  const [restores, checks] = [took('restore'), took('check')]
  expect([restores.length, checks.length]).toEqual([3, 3])
  const { p5Ms, p50Ms, p95Ms } = simulation.rto
  const [least, most] = [Math.min, Math.max].map((of) => of(...restores) + of(...checks))
  expect(p50Ms).toBeGreaterThan((least ?? 0) / 2)
  expect(p50Ms).toBeLessThanOrEqual((most ?? 0) + 1)
  // the next one may lie beyond three
  expect(p5Ms).toBeLessThanOrEqual((least ?? 0) + 1)
  expect(p95Ms).toBeGreaterThanOrEqual((most ?? 0) - 1)
})

describe('a small plan', () => {
  const steps = '      - restore: { from: [far], collection: words, into: spare }'
  const schedules =
    'schedules: { often: { every: 1h, steps: [{ backup: { collections: [words], to: far } }] } }'

  async function small(...args: string[]) {
    const directory = await temporaryDirectory()
    const file = path.join(directory, 'story.yaml')
    await writeFile(file, storyPlan({ steps, schedules }))
    return dr(['tabletop', file, ...args])
  }

  test('its only scenario is played, and half of the hour is lost on average', async () => {
    const result = await small('--json', '--trials', '2000')
    const { simulation } = last(result)
    expect(simulation.recovered).toBe(1)
    expect(simulation.rpo[0]?.p50Ms).toBeGreaterThan(27 * 60_000)
    expect(simulation.rpo[0]?.p50Ms).toBeLessThan(33 * 60_000)
    expect(simulation.rpo[0]?.basis).toBe('as often as schedule often of the plan runs')
  })

  test('where its ledger stands is never made up', async () => {
    const file = path.join(await temporaryDirectory(), 'story.yaml')
    const ledger = 'ledger: { path: "${env.LEDGERS}/story.jsonl" }\n'
    await writeFile(file, storyPlan({ steps, schedules }) + ledger)
    const result = await dr(['tabletop', file], { env: {} })
    expect(result.exitCode).toBe(10)
    expect(result.stderr).toMatch(/story\.yaml:\d+:\d+: .*LEDGERS/)
    const env = { LEDGERS: await temporaryDirectory() }
    expect((await dr(['tabletop', file], { env })).exitCode).toBe(0)
  })

  test.each([
    [['--scenario', 'flood'], 14, 'the plan has no scenario flood'],
    [['--without', 'contact:nobody'], 14, 'the plan has no contact nobody'],
    [['--without', 'somebody'], 2, '"somebody" does not say what is missing'],
    [['--set', 'name'], 2, '"name" is not KEY=VALUE'],
    [['--trials', '0'], 2, 'Write a whole number from 1 to 1000000.'],
    [['--data-size', 'huge'], 2, 'Write a factor such as 10x or 0.5x.'],
    [['--all', '--scenario', 'story'], 2, '--all and --scenario exclude each other'],
  ])('%j is refused', async (args, exitCode, message) => {
    const result = await small(...args)
    expect(result.stderr).toContain(message)
    expect(result.exitCode).toBe(exitCode)
  })
})

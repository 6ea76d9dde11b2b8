/** The example plan of going back to an instant: every line of its first comment, what it promises, and a death in the midst. */
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { systemClock } from '../../engine/index.ts'
import { type ExamplePlan, examplePlan } from './example-plan.ts'

const data = '--data plans/tryout/pit/primary'

const digestOf = async ({ type }: ExamplePlan, collection: string): Promise<string> => {
  const told = await type(`vectra-cli ${data} collections describe ${collection} --json`)
  return /[0-9a-f]{64}/.exec(told)?.[0] ?? 'none'
}

test('plans/point-in-time.yaml goes back to the instant before a bad write, also when it dies on the way', async () => {
  const example = await examplePlan('point-in-time')
  const { lines, root, type, quickly } = example
  const [load = '', alias = '', log = '', daily = '', write = '', again = '', ...rest] = lines
  const [note = '', mistake = '', goBack = '', rehearsal = '', restoreTest = '', ...last] = rest
  const [lost = '', status = '', ...more] = last
  expect([again, more]).toEqual([log, []])

  expect(await example.findings()).toEqual({
    grave: [
      ...['domain-account', 'domain-node', 'domain-region', 'immutable-missing'],
      'procedure-missing',
    ],
    notes: [
      ...['domain-vendor', 'ledger-unanchored', 'ledger-unsigned', 'rto-unmeasured'],
      'three-two-one-one-zero',
    ],
  })

  await type(`${load} && ${alias}`)
  await quickly(log)
  await quickly(daily)
  await type(write)
  await quickly(log)
  expect((await example.lastRun()).outputs.get('archive')).toMatchObject({ records: 1 })
  const good = await digestOf(example, 'words')
  await type(note)
  await type(mistake)

  // killed while it looks at what came back: the rest asks what it has to, and only that is run
  await example.dieAt('check-beside', goBack)
  const dead = await example.lastRun()
  expect(dead.run.outcome).toBeUndefined()
  expect([...dead.outputs.keys()].slice(0, 3)).toEqual(['writers-stopped', 'archive', 'beside'])
  const resume = 'vectra-dr resume plans/point-in-time.yaml'
  // on a busy machine it may have got as far as the question before the kill came
  if (!dead.outputs.has('check-beside')) {
    expect((await quickly(resume, 2)).stderr).toContain('--answer for-good=yes@first')
    expect(await example.lastRun()).toEqual(dead)
  }
  const late = dead.run.open.some(({ step }) => step === 'look') ? ' --repeat look' : ''
  await type(`${resume} --answer for-good=yes@second${late}`)
  const { run, outputs } = await example.lastRun()
  expect(run).toMatchObject({ run: dead.run.run, outcome: 'passed' })
  for (const step of ['beside', 'in-place']) {
    expect(outputs.get(step)).toMatchObject({
      ...{ count: 101, digest: good },
      moment: { replayedRecords: 1, beyondRecords: 1 },
    })
  }
  expect(outputs.get('check-in-place')).toMatchObject({ count: 101, truth: 'exact search' })
  const live = { alias: 'words-live', target: 'primary' }
  expect(outputs.get('serve-beside')).toEqual({
    ...live,
    collection: 'words_before',
    before: 'words',
  })
  expect(outputs.get('serve-in-place')).toEqual({
    ...live,
    collection: 'words',
    before: 'words_before',
  })
  expect(run.recovery?.answers.get('lastGoodAt')).toMatch(/^\d{4}-.*Z$/)
  expect(await digestOf(example, 'words')).toBe(good)
  const near = await type(`vectra-cli ${data} search words-live --like laptop -k 1`)
  expect(near).toMatch(/^0\.600218 +37$/m)

  await quickly(rehearsal)
  expect((await example.lastRun()).outputs.get('check')).toMatchObject({ count: 101 })
  await quickly(restoreTest)

  expect((await quickly(`${lost} --json`)).objects().at(-1)).toMatchObject({
    audit: { totals: { met: 3, missed: 0, unproven: 0 } },
  })
  expect((await example.lastRun()).outputs.get('check')).toMatchObject({ count: 101 })
  expect((await quickly(status)).stdout).toMatch(/^words +2 min .* within/m)

  // nights go by: within 14 days before the newest all stay, before that the newest of each week
  const day = 24 * 60 * 60_000
  const inFiftyDays = new Date(Date.now() + 50 * day).getUTCDay()
  const tuesday = 50 + ((9 - inFiftyDays) % 7)
  for (const later of [tuesday, tuesday + 1, tuesday + 20]) {
    const clock = { ...systemClock, nowMs: () => systemClock.nowMs() + later * day }
    await quickly(daily, 0, { clock })
  }
  expect((await example.lastRun()).outputs.get('prune')).toMatchObject({ removed: 1 })
  const runs = await example.runs()
  const [first, second, newest] = runs.slice(-3).map((each) => `words_${each.run}.json`)
  const kept = await readdir(join(root, 'plans/tryout/pit/backups/snapshots/words'))
  expect(kept).toEqual(expect.arrayContaining([second, newest]))
  expect(kept).not.toContain(first)
  await example.everySequencePassed()
})

import { readdir, readFile, writeFile } from 'node:fs/promises'
import * as path from 'node:path'
import { expect, test } from 'vitest'
import { nodeDisk } from '../../../engine/index.ts'
import { readLedger } from '../../../planner/ledger/ledger-reader.ts'
import { dr } from '../../support/dr-command.ts'
import { shopFile, shopScript, shopStory } from '../../support/played-exercise.ts'
import { temporaryDirectory } from '../../support/temporary-directory.ts'

async function shop(script = shopScript) {
  const state = await temporaryDirectory()
  const play = async (text: string, ...more: string[]) => {
    const file = path.join(state, 'script.yaml')
    await writeFile(file, text)
    const argv = ['tabletop', shopFile, '--state', state, '--scenario', shopStory, '--play']
    return dr([...argv, '--script', file, ...more])
  }
  const ledger = async () => (await readLedger(nodeDisk, path.join(state, 'ledger.jsonl'))).entries
  return { state, play, ledger, script }
}

test('a script plays it unattended: report in three forms, one line in the ledger, no names', async () => {
  const { state, play, ledger, script } = await shop()
  const result = await play(script, '--json')
  expect(result.exitCode).toBe(0)
  const { page } = result.objects().at(-1) as { page: Record<string, string> }
  const texts = await Promise.all(
    ['json', 'markdown', 'html'].map((form) => readFile(page[form] ?? '', 'utf8')),
  )
  for (const text of texts) {
    expect(text).toContain('Print the runbook.')
    expect(text).not.toContain('+41 00')
  }
  const entries = await ledger()
  expect(entries.map(({ kind }) => kind)).toEqual(['exercise'])
  expect(entries[0]).toMatchObject({
    ...{ ledger: 4, scenario: shopStory, isScripted: true },
    participants: [
      { contact: 'engineer-2', role: 'engineer' },
      { contact: 'lead-1', role: 'lead' },
    ],
    actions: [{ owner: 'engineer', dueOn: '2026-12-31' }],
  })
  expect(await readdir(path.join(state, 'exercises')).catch(() => [])).toEqual([])
  // the same again is the same exercise
  const again = await play(script, '--json')
  expect(again.objects().at(-1)).toMatchObject({ recorded: false })
  expect(await readFile(page['json'] ?? '', 'utf8')).toBe(texts[0])
  expect(await ledger()).toHaveLength(1)
  expect((await dr(['ledger', 'verify', shopFile, '--state', state])).exitCode).toBe(0)
})

test('pages that are asked for beside a script are refused: nothing of it would be played', async () => {
  const { play, script, ledger } = await shop()
  const result = await play(script, '--prepare')
  expect(result.exitCode).toBe(2)
  expect(result.stderr).toContain('--script and --prepare exclude each other')
  expect(await ledger()).toEqual([])
})

test('paused by one script and ended by another, it has the events of the one that was not', async () => {
  const whole = await shop()
  const events = (result: Awaited<ReturnType<typeof dr>>) => {
    const { report } = result.objects().at(-1) as { report: { timeline: object[] } }
    return report.timeline
  }
  const uninterrupted = events(await whole.play(whole.script, '--json'))
  const { play, script, ledger } = await shop()
  const lines = script.trimEnd().split('\n')
  const [head, acts] = [lines.slice(0, 4), lines.slice(4)]
  const first = [...head, ...acts.slice(0, 5), '  - { at: 11m30s, pause: true }'].join('\n')
  expect((await play(first, '--json')).objects().at(-1)).toMatchObject({ state: 'paused' })
  expect(await ledger()).toEqual([])
  // what lies before the pause does not fit any more
  const early = await play(script)
  expect(early.exitCode).toBe(2)
  expect(early.stderr).toContain('script.yaml:5:5')
  const second = await play([...head, ...acts.slice(5)].join('\n'), '--json')
  expect(events(second)).toEqual(uninterrupted)
  expect(second.objects().at(-1)).toMatchObject({ report: { scope: { sittings: 2 } } })
})

test('a script that does not fit ends with 2 and where, and nothing is kept of it', async () => {
  const { state, play, script } = await shop()
  const result = await play(script.replace('by: lead-1', 'by: lead-9'))
  expect(result.exitCode).toBe(2)
  expect(result.stderr).toMatch(
    /script\.yaml:12:37: the plan has no contact lead-9[\s\S]*Did you mean .lead-1.\?/,
  )
  const other = await play(script.replace(`scenario: ${shopStory}`, 'scenario: node-loss'))
  expect(other.exitCode).toBe(2)
  expect(await readdir(state)).toEqual(['script.yaml'])
  const early = await play(script.replace('answer: engineer-2', 'answer: lead-1'))
  expect(early.exitCode).toBe(2)
  expect(early.stderr).toMatch(/script\.yaml:5:5: this act does not fit: nobody has called lead-1/)
  expect(await readdir(state)).toEqual(['locks', 'script.yaml'])
})

test('without a terminal and a script it asks nobody, writes nothing, and says what to do', async () => {
  const state = await temporaryDirectory()
  const argv = ['tabletop', shopFile, '--state', state, '--scenario', shopStory]
  const result = await dr([...argv, '--play'])
  expect(result.exitCode).toBe(2)
  expect(result.stderr).toContain('--script FILE')
  expect((await dr([...argv, '--script', 'x.yaml'])).exitCode).toBe(2)
  expect((await dr([...argv, '--play', '--data-size', '2x'])).exitCode).toBe(2)
  expect(await readdir(state)).toEqual([])
})

test('--prepare writes the two pages and nothing else', async () => {
  const state = await temporaryDirectory()
  const out = await temporaryDirectory()
  const argv = ['tabletop', shopFile, '--state', state, '--scenario', shopStory, '--out', out]
  expect((await dr([...argv, '--play', '--prepare'])).exitCode).toBe(0)
  expect((await readdir(out)).sort()).toEqual([
    'exercise-players.md',
    `exercise-${shopStory}-facilitator.md`,
  ])
  expect(await readdir(state)).toEqual([])
})

/**
 * Every command that a runbook of the project shows, in the order in which it stands there, in a copy of
 * the plans where the disaster has come. A shell reads the page: what it would start is what is run here,
 * the project's own commands inside this process, and nothing is left out. Pages of plans with servers are
 * gone through in `warm-standby.test.ts` and `reference-runbook.test.ts`.
 */
import { cp, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join, parse } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, test, vi } from 'vitest'
import { runCli } from '../engine/cli/run-cli.ts'
import { startObjectStore, testKey } from '../support/object-store.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { commandsOn, type Environment, isPlanner, runWords, toldText } from './runbook-page.ts'
import { cutWords, pointLines } from './scratch-data.ts'

const project = fileURLToPath(new URL('../..', import.meta.url))
const start = process.cwd()
afterAll(() => process.chdir(start))

interface Scene {
  /** Typed in the directory of the plans, before the page is; NOW is the last good moment. */
  readonly before: readonly string[]
  /** What a person fills in. */
  readonly answers?: Readonly<Record<string, string>>
  /** What `recover` asks. */
  readonly said?: readonly string[]
}

const load = (data: string, ...collections: string[]) =>
  collections.map((name) => `vectra-cli --data ${data} collections import ${name} points.jsonl`)

const scenes: Readonly<Record<string, Scene>> = {
  quickstart: {
    before: [
      ...load('../vectra-data', 'words'),
      'vectra-cli --data ../vectra-data collections backup words --destination backups/words --snapshot-id before',
      'vectra-cli --data ../vectra-data collections drop words',
    ],
  },
  'nightly-with-offsite': {
    before: [
      ...load('tryout/nightly/primary', 'words'),
      'vectra-cli repository key generate tryout/nightly/backup.key',
      'vectra-dr run nightly-with-offsite.yaml --schedule nightly',
    ],
    answers: { RESTORE_SNAPSHOT: 'words_x' },
    said: ['approve=yes@first'],
  },
  'point-in-time': {
    before: [
      ...load('tryout/pit/primary', 'words'),
      'vectra-dr run point-in-time.yaml --schedule log',
      'vectra-dr run point-in-time.yaml --schedule daily',
      'NOW',
      ...load('tryout/pit/primary', 'words'),
    ],
    answers: { LAST_GOOD_AT: 'NOW' },
    said: ['writers-stopped=done@first', 'for-good=yes@first', 'lastGoodAt=NOW'],
  },
  'many-collections': {
    before: [
      ...load('tryout/many/shop', 'products', 'reviews', 'questions'),
      ...load('tryout/many/library', 'words', 'articles'),
      'vectra-dr run many-collections.yaml --schedule hourly',
      'vectra-dr run many-collections.yaml --schedule log',
      'vectra-cli --data tryout/many/shop collections backup questions --destination tryout/many/local --snapshot-id night',
      ...['words', 'articles'].map(
        (name) =>
          `vectra-cli --data tryout/many/library collections backup ${name} --destination tryout/many/local --snapshot-id night`,
      ),
    ],
    answers: { PRODUCTS_TAKEN_AT: 'noon', REVIEWS_TAKEN_AT: 'noon' },
    said: ['start=yes@first'],
  },
  ransomware: {
    before: [
      ...load('tryout/ransomware/primary', 'words'),
      'vectra-dr run ransomware.yaml --schedule log',
      'vectra-dr run ransomware.yaml --schedule nightly',
      'NOW',
      ...load('tryout/ransomware/primary', 'words'),
      'vectra-dr run ransomware.yaml --schedule log',
    ],
    answers: { LAST_GOOD_AT: 'NOW' },
    said: [
      ...['isolate=done@security-1', 'inspect=done@security-1', 'clean=yes@commander-1'],
      ...['lead-over=done@security-2', 'lastGoodAt=NOW'],
    ],
  },
}

/** Pages with a test of their own. */
const elsewhere = ['reference.md', 'warm-standby.md']

/** The plans of the project in a directory of the test's own, as their runbooks speak of them. */
async function openScene(name: string, page: string) {
  const root = await temporaryDirectory()
  const plans = join(root, 'plans')
  await mkdir(plans)
  await cutWords(join(plans, 'data/words'))
  await cp(join(project, 'plans', `${name}.yaml`), join(plans, `${name}.yaml`))
  await writeFile(join(plans, 'points.jsonl'), pointLines)
  process.chdir(plans)
  if (name !== 'ransomware') return { plans, page }
  // the key of the page is one that nobody has
  await mkdir('tryout/ransomware', { recursive: true })
  const { stderr, stdout } = await runCli([
    'repository',
    'key',
    'generate',
    'tryout/ransomware/sign.pem',
    '--signing',
  ])
  const [publicKey = ''] = /MCow[^\s"]+/.exec(stdout + stderr) ?? []
  const exchange = (text: string) => text.replace(/MCow[^\s"']+=/g, publicKey)
  const file = join(plans, `${name}.yaml`)
  await writeFile(file, exchange(await readFile(file, 'utf8')))
  return { plans, page: exchange(page) }
}

const backupKey = 'aGVyZSBzdGFuZHMgYSBrZXkgb2YgMzIgYnl0ZXMgLi4='

/** What commands and plans read of the environment, the object store among it. */
async function environment(name: string): Promise<Environment> {
  const store = await startObjectStore()
  store.state.addBucket('vectra-vault', { versioned: true, lock: true })
  const credentials = {
    AWS_ACCESS_KEY_ID: testKey.accessKeyId,
    AWS_SECRET_ACCESS_KEY: testKey.secretAccessKey,
  }
  for (const [key, value] of Object.entries(credentials)) vi.stubEnv(key, value)
  return {
    ...credentials,
    PATH: process.env['PATH'] ?? '',
    ...(name === 'ransomware' && { VECTRA_BACKUP_KEY: backupKey }),
    S3_ENDPOINT: store.endpoint,
  }
}

describe('a runbook', async () => {
  const all = (await readdir(join(project, 'runbooks'))).filter((name) => name.endsWith('.md'))
  const pages = all.filter((file) => !elsewhere.includes(file))
  afterAll(() => vi.unstubAllEnvs())

  test('every page has a scene, or a test of its own', () => {
    const scenesOf = Object.keys(scenes).map((name) => `${name}.md`)
    expect([...scenesOf, ...elsewhere].sort()).toEqual(all.sort())
  })

  test.each(pages)('%s: every command does what the page says', async (file) => {
    const name = parse(file).name
    const scene = scenes[name]
    if (scene === undefined) throw new Error(`no scene for ${file}`)
    const env = await environment(name)
    const written = await readFile(join(project, 'runbooks', file), 'utf8')
    const { plans, page } = await openScene(name, written)
    let now = ''
    const said = (text: string) => text.replace('NOW', now)
    for (const line of scene.before) {
      if (line === 'NOW') now = new Date().toISOString()
      else {
        const words = line.split(' ')
        const ran = await runWords(words, env)
        expect(ran.exitCode, toldText(words, ran)).toBe(0)
      }
    }
    const answers = Object.entries(scene.answers ?? {}).map(([key, text]) => [key, said(text)])
    const { all: commands } = await commandsOn(page, Object.fromEntries(answers), env)
    expect(commands.length).toBeGreaterThan(8)
    for (const words of commands) {
      // by hand is the other way: it begins where this one began
      const isRecovery = isPlanner(words, 'recover')
      const isAudit = isPlanner(words, 'audit')
      const kept = `${plans}-kept`
      const more = isRecovery
        ? [...(scene.said ?? []).flatMap((each) => ['--answer', said(each)]), '--yes']
        : []
      if (isRecovery) await cp(plans, kept, { recursive: true, verbatimSymlinks: true })
      const ran = await runWords([...words, ...more], env)
      const told = toldText(words, ran)
      expect([0, isAudit ? 3 : 0], told).toContain(ran.exitCode)
      if (isAudit) expect(ran.stdout, told).toMatch(/met|unproven/)
      if (isRecovery) {
        process.chdir(start)
        await rm(plans, { recursive: true })
        await rename(kept, plans)
        process.chdir(plans)
      }
    }
  })
})

/**
 * Every command that a runbook of the project shows, in the order in which it stands there, in a copy of
 * the plans where the disaster has come. A shell reads the page: what it would start is what is run here,
 * the project's own commands inside this process. What cannot run here is named below, and nothing else
 * is left out.
 */
import { cp, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join, parse } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Command } from 'commander'
import { execa } from 'execa'
import { afterAll, describe, expect, test, vi } from 'vitest'
import type { Io as EngineIo } from '../../engine/cli/io.ts'
import { buildProgram as engineProgram } from '../../engine/cli/program.ts'
import type { Io as PlannerIo } from '../../planner/cli/io.ts'
import { buildProgram as plannerProgram } from '../../planner/cli/program.ts'
import { type CliRun, runCli } from '../engine/cli/run-cli.ts'
import { dr } from '../support/dr-command.ts'
import { startObjectStore, testKey } from '../support/object-store.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'

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
  /**
   * Nothing of the plan can be here: the project's own commands are read by their own parser, those of
   * others are looked at, and none is run.
   */
  readonly onlyRead?: readonly string[]
}

/** Points with the ids that searches of the plans ask for; few, because this is about commands. */
const points = ['laptop', 'money', ...Array.from({ length: 40 }, (_, index) => `word-${index}`)]
  .map((id, index) => ({
    id,
    vector: Array.from({ length: 100 }, (_, at) => Math.sin(index + at * (1 + index / 50))),
  }))
  .map((point) => `${JSON.stringify(point)}\n`)
  .join('')

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
  'warm-standby': {
    before: [],
    // two servers would have to be there; warm-standby.test.ts runs the same steps
    onlyRead: [
      'curl --silent --show-error --output /dev/null --write-out %{http_code} http://127.0.0.1:7701/readyz',
    ],
  },
  reference: {
    before: [],
    answers: { LAST_GOOD_AT: '2026-11-01T08:00:00Z' },
    onlyRead: [
      'env VECTRA_MESSAGE=Recommendations are degraded; next update in 30 minutes. VECTRA_CHANNEL=status-page VECTRA_PLAN=reference ./post-status.sh page-1',
      'curl --silent --show-error --output /dev/null --write-out %{http_code} http://127.0.0.1:7701/healthz',
      'env VECTRA_MESSAGE=Recommendations run from eu-west. VECTRA_CHANNEL=status-page VECTRA_PLAN=reference ./post-status.sh page-1',
      'curl --fail-with-body --header content-type: application/json --data {"text":"failover ended"} https://hooks.example.com/x',
      'sleep 30',
      'env REGION=eu-central ./purge-cdn.sh products',
      'curl --fail-with-body --request POST --header authorization: Bearer cdn --data {"collection": "products"} http://127.0.0.1:9000/reload',
    ],
  },
}

/** The commands of a page as a shell reads them: words, nothing left to fill in. */
async function commandsOn(page: string, { answers = {} }: Scene, env: Environment) {
  const lines = [...page.matchAll(/^(`{3,})sh\n([\s\S]*?)^\1$/gm)]
    .flatMap((block) => (block[2] ?? '').split('\n'))
    .filter((line) => line !== '')
  const script = lines.map((line) => {
    const [, name] = /^export (\w+)='FILL IN: /.exec(line) ?? []
    if (name !== undefined) {
      expect(answers, `somebody has to say ${name}`).toHaveProperty(name)
      return `export ${name}='${answers[name]}'`
    }
    return line.startsWith('export ') ? line : `printf '%s\\0' ${line}; printf '\\n'`
  })
  // a variable that is not set is a mistake of the page
  const { stdout } = await execa('bash', ['-euc', script.join('\n')], {
    env,
    stripFinalNewline: false,
  })
  const commands = stdout.split('\0\n').map((words) => words.split('\0'))
  expect(commands.at(-1)).toEqual([''])
  return commands.slice(0, -1)
}

type Ran = Pick<CliRun, 'exitCode' | 'stdout' | 'stderr'>
type Environment = Readonly<Record<string, string>>

/** Whether the project's own parser takes the words. */
async function readByParser(command: string, words: readonly string[]): Promise<void> {
  const io = { stdout: { isTerminal: false, columns: 0 } }
  let taken = 0
  const prepare = (each: Command): void => {
    if (each.commands.length === 0) each.action(() => void taken++)
    for (const below of each.commands) prepare(below)
  }
  // nothing of them is touched before a command works
  const build =
    command === 'vectra-cli'
      ? engineProgram(io as EngineIo, () => {})
      : plannerProgram(io as PlannerIo, () => {})
  prepare(build)
  await build.parseAsync([...words], { from: 'user' })
  expect(taken, words.join(' ')).toBe(1)
}

/** The first words of the project's data, and the one of its example: building an index is not what this is about. */
async function cutWords(directory: string): Promise<void> {
  const words = 300
  const from = (name: string) => join(project, 'plans/data/words', name)
  await mkdir(directory, { recursive: true })
  const vectors = await readFile(from('words-10k.f32'))
  await writeFile(join(directory, 'words-10k.f32'), vectors.subarray(0, words * 100 * 4))
  const lines = (await readFile(from('words-10k.jsonl'), 'utf8')).split('\n').slice(0, words)
  await writeFile(join(directory, 'words-10k.jsonl'), `${lines.join('\n')}\n`)
  await cp(from('laptop.jsonl'), join(directory, 'laptop.jsonl'))
}

/** The plans of the project in a directory of the test's own, as their runbooks speak of them. */
async function openScene(name: string, page: string) {
  const root = await temporaryDirectory()
  const plans = join(root, 'plans')
  await mkdir(plans)
  await cutWords(join(plans, 'data/words'))
  await cp(join(project, 'plans', `${name}.yaml`), join(plans, `${name}.yaml`))
  await writeFile(join(plans, 'points.jsonl'), points)
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
    ...(/ransomware|reference/.test(name) && { VECTRA_BACKUP_KEY: backupKey }),
    ...{ STATUS_PAGE: 'page-1', CDN_TOKEN: 'cdn', OPS_WEBHOOK: 'https://hooks.example.com/x' },
    S3_ENDPOINT: store.endpoint,
  }
}

describe('a runbook', async () => {
  const pages = (await readdir(join(project, 'runbooks'))).filter((name) => name.endsWith('.md'))
  afterAll(() => vi.unstubAllEnvs())

  test.each(pages)('%s: every command does what the page says', async (file) => {
    const name = parse(file).name
    const scene = scenes[name]
    if (scene === undefined) throw new Error(`no scene for ${file}`)
    const environmentOfPage = await environment(name)
    const { VECTRA_BACKUP_KEY: _, ...without } = environmentOfPage
    const written = await readFile(join(project, 'runbooks', file), 'utf8')
    const { plans, page } = await openScene(name, written)
    let now = ''
    const said = (text: string) => text.replace('NOW', now)

    const run = async (all: readonly string[], env = environmentOfPage): Promise<Ran> => {
      if (all.slice(0, 3).join(' ') === 'env -u VECTRA_BACKUP_KEY')
        return run(all.slice(3), without)
      const [command = '', ...words] = all
      if (command === 'vectra-cli') return runCli(words, { env })
      if (command === 'vectra-dr') return dr(words, { env })
      const { exitCode = -1, stdout, stderr } = await execa(command, words, { env, reject: false })
      return { exitCode, stdout, stderr }
    }
    for (const line of scene.before) {
      if (line === 'NOW') now = new Date().toISOString()
      else {
        const { exitCode, stdout, stderr } = await run(line.split(' '))
        expect(exitCode, `${line}\n${stdout}${stderr}`).toBe(0)
      }
    }
    const answers = Object.entries(scene.answers ?? {}).map(([key, text]) => [key, said(text)])
    const filledIn = { ...scene, answers: Object.fromEntries(answers) }
    const commands = await commandsOn(page, filledIn, environmentOfPage)
    expect(commands.length).toBeGreaterThan(8)
    const notRun: string[] = []
    for (const all of commands) {
      const isKeyless = all.slice(0, 3).join(' ') === 'env -u VECTRA_BACKUP_KEY'
      const words = isKeyless ? all.slice(3) : all
      const [command = '', sub] = words
      if (scene.onlyRead !== undefined) {
        if (command.startsWith('vectra-')) await readByParser(command, words.slice(1))
        else notRun.push(words.join(' '))
        continue
      }
      // by hand is the other way: it begins where this one began
      const isRecovery = sub === 'recover'
      const kept = `${plans}-kept`
      const more = isRecovery
        ? [...(scene.said ?? []).flatMap((each) => ['--answer', said(each)]), '--yes']
        : []
      if (isRecovery) await cp(plans, kept, { recursive: true, verbatimSymlinks: true })
      const { exitCode, stdout, stderr } = await run(
        [...words, ...more],
        isKeyless ? without : environmentOfPage,
      )
      const told = `${words.join(' ')}\n${stdout}${stderr}`
      expect([0, sub === 'audit' ? 3 : 0], told).toContain(exitCode)
      if (sub === 'audit') expect(stdout, told).toMatch(/met|unproven/)
      if (isRecovery) {
        process.chdir(start)
        await rm(plans, { recursive: true })
        await rename(kept, plans)
        process.chdir(plans)
      }
    }
    expect(notRun).toEqual(scene.onlyRead ?? [])
  })
})

/**
 * The runbook of the plan that has every key, typed from the page: its two servers are processes, and the
 * object store, the web hooks and the programs that it names answer from here. The environment holds what
 * the page says that it has to hold, and nothing else of the plan.
 */
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, expect, onTestFinished, test, vi } from 'vitest'
import { startObjectStore, testKey } from '../support/object-store.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { webServer } from '../support/web-server.ts'
import { commandsOn, followPage, runWords, toldText } from './runbook-page.ts'
import { cutWords, pointLines } from './scratch-data.ts'
import { startServer } from './served.ts'
import { binDirectory, scriptEnvironment } from './vectra-cli.ts'

const project = fileURLToPath(new URL('../..', import.meta.url))
const start = process.cwd()
afterAll(() => {
  process.chdir(start)
  vi.unstubAllEnvs()
})

/** What the page says that the environment has to hold. */
const variablesOf = (page: string): string[] =>
  (/variables of the environment have to be set, here and below: ([^.]+)\./.exec(page)?.[1] ?? '')
    .split(', ')
    .sort()

/** A program that notes how it was called. */
async function program(file: string, lines: readonly string[]): Promise<void> {
  await writeFile(file, `#!/bin/sh\n${lines.join('\n')}\n`)
  await chmod(file, 0o755)
}

test('reference: every command of the page does what it says', async () => {
  const root = await temporaryDirectory()
  const bin = await binDirectory(root)
  const plans = join(root, 'plans')
  await cutWords(join(plans, 'data/words'))
  await writeFile(join(plans, 'points.jsonl'), pointLines)
  for (const each of ['reference-data', 'keys']) await mkdir(join(plans, each))
  const [question = ''] = pointLines.split('\n')
  const questions = `${JSON.stringify({ vector: JSON.parse(question).vector })}\n`
  await writeFile(join(plans, 'reference-data/questions.jsonl'), questions)
  const store = await startObjectStore()
  store.state.addBucket('my-dr-bucket-us-west-2', { versioned: true, lock: true })
  vi.stubEnv('AWS_ACCESS_KEY_ID', testKey.accessKeyId)
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', testKey.secretAccessKey)
  const web = await webServer((response, { url }) =>
    response.writeHead(url === '/reload' ? 204 : 200).end(),
  )
  const asked = {
    VECTRA_TOKEN: 'token-of-the-test',
    QDRANT_API_KEY: 'nobody-asks-qdrant',
    S3_ENDPOINT: store.endpoint,
    VECTRA_BACKUP_KEY: 'aGVyZSBzdGFuZHMgYSBrZXkgb2YgMzIgYnl0ZXMgLi4=',
    HEARTBEAT_URL: `http://127.0.0.1:${web.port}/heartbeat`,
    CDN_TOKEN: 'cdn-of-the-test',
    OPS_WEBHOOK: `http://127.0.0.1:${web.port}/ops`,
    STATUS_PAGE: 'page-1',
  }
  const { PATH } = scriptEnvironment(bin, '')
  const env = { ...asked, PATH }
  vi.stubEnv('PATH', PATH) // where key commands are looked for
  await program(join(plans, 'post-status.sh'), [
    'echo "$VECTRA_CHANNEL: $VECTRA_MESSAGE $*" >> calls',
  ])
  await program(join(plans, 'purge-cdn.sh'), ['echo "$REGION: $*" >> calls'])
  await program(join(bin, 'pass'), [`[ "$*" = 'show depot' ] && cat '${plans}/keys/depot.key'`])

  const serve = async (node: string, listen?: string) => {
    const environment = {
      ...scriptEnvironment(bin, join(root, node)),
      VECTRA_TOKEN: asked.VECTRA_TOKEN,
    }
    const server = await startServer(environment, ['--name', node, '--cluster', 'shop'], listen)
    onTestFinished(async () => void (await server.stop('SIGKILL')))
    return server
  }
  const [first, standby] = await Promise.all([serve('a1'), serve('b1')])
  let primary = first
  process.chdir(plans)
  const type = async (line: string) => {
    const words = line.split(' ')
    const ran = await runWords(words, env)
    expect(ran.exitCode, toldText(words, ran)).toBe(0)
    return ran
  }
  await type('vectra-cli repository key generate keys/vault.key')
  await type('vectra-cli repository key generate keys/depot.key')
  await type('vectra-cli repository key generate keys/ledger.pem --signing')
  const generated = await type('vectra-cli repository key generate keys/backup.pem --signing')
  const [publicKey = ''] = /MCow[^\s"]+/.exec(generated.stdout + generated.stderr) ?? []

  // the plan's own addresses, paths and key mean nothing here, and nobody has to wait
  const exchanges: [RegExp, string][] = [
    [/http:\/\/127\.0\.0\.1:7700/g, first.url],
    [/http:\/\/127\.0\.0\.1:7701/g, standby.url],
    [/http:\/\/127\.0\.0\.1:9000/g, `http://127.0.0.1:${web.port}`],
    [/\/var\/backups\/vectra/g, join(root, 'backups')],
    [/MCow[^\s"']+=/g, publicKey],
    [/for: 30s }$/gm, 'for: 10ms }'],
    [/^sleep 30$/gm, 'sleep 0.01'],
  ]
  const written = await Promise.all(
    ['plans/reference.yaml', 'runbooks/reference.md'].map((file) =>
      readFile(join(project, file), 'utf8'),
    ),
  )
  for (const [there] of exchanges) expect(written.join('\n')).toMatch(there)
  const [plan = '', text = ''] = written.map((each) =>
    exchanges.reduce((changed, [there, here]) => changed.replaceAll(there, here), each),
  )
  await writeFile('reference.yaml', plan)
  expect(variablesOf(text)).toEqual(Object.keys(asked).sort())

  const home = `vectra-cli --endpoint ${first.url} collections`
  await type(`${home} import products points.jsonl`)
  await type(`${home} replicate products --replica-node ${standby.url}`)
  await type(
    `vectra-cli --endpoint ${first.url} collections backup products --destination ./reference-data/vault --snapshot-id a --key-file ./keys/vault.key`,
  )
  await type(
    `vectra-cli --endpoint ${first.url} collections backup products --destination ./reference-data/depot --snapshot-id a --key-file ./keys/depot.key`,
  )
  await type('vectra-dr run reference.yaml --schedule nightly')
  await type('vectra-dr run reference.yaml --schedule log')
  const lastGoodAt = new Date().toISOString()
  await type(`${home} import products points.jsonl`)
  await type('vectra-dr run reference.yaml --schedule log')

  const page = await commandsOn(text, { LAST_GOOD_AT: lastGoodAt }, env)
  const told = await followPage(page, {
    env,
    before: {
      failover: () => primary.stop('SIGKILL'),
      failback: async () => {
        primary = await serve('a1', new URL(first.url).port)
      },
    },
    said: {
      failover: ['approve=yes@on-call-1'],
      'clean-restore': ['manual=done@db-1', `lastGoodAt=${lastGoodAt}`],
    },
    goBack: [
      `vectra-cli --endpoint ${first.url} aliases set products-live products`,
      `${home} drop products_clean`,
    ],
    otherEnds: (line, procedure) =>
      procedure === 'failover' && line.includes('cluster fence') ? [12] : undefined,
  })
  expect(told).toContain('b1 is the primary of products: epoch')
  expect(told).toContain('a1 is the primary of products: epoch')
  expect(told).toContain('restored products_clean: 42 points')
  const calls = (await readFile('calls', 'utf8')).split('\n')
  const twice = ['status-page: Recommendations run from eu-west. page-1', 'eu-central: products']
  for (const line of twice) expect(calls.filter((each) => each === line)).toHaveLength(2)
  expect(calls).toContain(
    'status-page: Recommendations are degraded; next update in 30 minutes. page-1',
  )
  const reloads = web.received.filter(({ url }) => url === '/reload')
  expect(reloads).toMatchObject(
    Array(2).fill({ method: 'POST', headers: { authorization: 'Bearer cdn-of-the-test' } }),
  )
  const messages = web.received.filter(({ url }) => url === '/ops').map(({ body }) => body)
  expect(messages.filter((body) => body.includes('failover ended'))).toHaveLength(2)
})

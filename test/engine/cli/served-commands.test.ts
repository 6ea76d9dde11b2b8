/**
 * Every command of vectra-cli, beside a server: what reads and writes data answers as it does embedded, word
 * for word and with the same exit code; what looks at repositories alone asks no server; what needs a server
 * says so. A command without a row fails, and so does a row without a command.
 */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Command } from 'commander'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { buildProgram } from '../../../engine/cli/program.ts'
import { type Serving, serving } from '../../support/serving.ts'
import { suiteDirectory } from '../../support/temporary-directory.ts'
import { type CliRun, captured, runCli } from './run-cli.ts'

/** What is typed, in this order, in a directory of its own: `$` is that directory. */
const alike: readonly string[] = [
  'collections create empty --dimension 3 --metric l2',
  'collections create empty --dimension 3',
  'collections import pets $/pets.jsonl --index flat',
  'collections upsert pets --id dog --vector [1,2]',
  'collections upsert pets --id dog --vector [1,2,3]',
  'collections delete pets bird nobody',
  'collections list',
  'collections count pets',
  'collections count nobody',
  'collections describe pets',
  'collections stats pets',
  'collections export pets $/out.jsonl',
  'collections export pets $/out.jsonl',
  'search pets --vector [1,0.1] -k 2',
  'search pets --like cat --filter {"legs":{"lt":5}}',
  'aliases set live pets',
  'aliases list',
  'collections count live',
  'endpoint switch --alias live=empty --no-probe',
  'endpoint switch --alias live=pets --like cat --expect 7',
  'endpoint switch --alias live=nobody --no-probe',
  'collections checkpoint pets',
  'collections reindex pets --index hnsw --m 8',
  'collections reindex live --m 8',
  'collections reindex pets --lists 4',
  'collections config export pets',
  'collections config export pets $/config.json',
  'collections config export nobody',
  'collections config import pets $/config.json',
  'collections config import pets $/other.json',
  'collections config import empty $/config.json',
  'collections compact pets',
  'collections repair pets --to-lsn 3',
  'collections repair pets --to-lsn 9',
  'collections repair nobody --to-lsn 1',
  'collections backup pets --destination $/copies --snapshot-id one --wait',
  'collections backup nobody --destination $/copies --snapshot-id one --wait',
  'collections repair pets --segments --source $/copies',
  'collections repair pets --segments --to-lsn 3',
  'collections repair nobody --segments',
  'collections archive pets --destination $/copies',
  'collections archive pets --destination $/copies --once',
  'collections archive nobody --destination $/copies',
  'collections backup verify --source $/copies',
  'collections backup pets --destination $/copies --snapshot-id two --wait',
  'collections drop pets',
  'collections drop pets --if-exists',
  'collections restore pets --source $/copies --wait',
  'collections restore pets --source $/copies --wait',
  'collections reconcile pets $/nothing.jsonl',
  'aliases delete live',
  'aliases delete live',
]

/** What opens no data directory and asks no server, whatever endpoint is named: here all of it succeeds. */
const ofRepositories: readonly string[] = [
  'repository key generate $/first.key',
  'repository key generate $/further.key',
  'repository init $/sealed --key-file $/first.key',
  'repository key add $/sealed --key-file $/first.key --new-key-file $/further.key --label spare',
  'repository key list $/sealed',
  'repository key remove $/sealed spare --key-file $/first.key',
  'repository probe $/copies',
  'repository info $/copies',
  'repository copy $/copies $/more',
  'repository status $/copies $/more',
  'repository repair $/copies --from $/more',
  'collections backup list --source $/copies',
  'collections backup show --source $/copies --snapshot-id one',
  'collections backup diff --source $/copies --snapshot-id one --snapshot-id two',
  'collections backup pin --source $/copies --snapshot-id one --reason audit',
  'collections backup unpin --source $/copies --snapshot-id one',
  'repository forget $/copies --keep-last 3',
  'repository prune $/copies',
]

/** What needs a server, with its exit code there. */
const ofServers: Readonly<Record<string, number>> = {
  'jobs list': 0,
  'jobs show backup-0': 14,
  'jobs wait backup-0': 14,
  'jobs cancel backup-0': 14,
  'cluster status': 0,
  'cluster remove nobody': 0,
  'cluster fence empty': 0,
  'cluster promote empty --yes': 0,
  'cluster rejoin empty --primary nobody': 14,
  'cluster replicate --add-replica nobody --source-cluster here': 14,
  'collections replicate empty --replica-node nobody': 14,
}

const points = [
  { id: 'cat', vector: [1, 0], metadata: { legs: 4 } },
  { id: 'bird', vector: [0, 1], metadata: { legs: 2 } },
  { id: 7, vector: [1, 1], metadata: {} },
]

const suite = suiteDirectory()
const data = () => join(suite.path, 'data')
/** Where nothing listens: whoever asks there fails. */
const nobody = { VECTRA_ENDPOINT: 'http://127.0.0.1:1' }
let server: Serving

beforeAll(async () => {
  server = await serving(data(), {}, () => {}) // closed below
})

afterAll(() => server.close())

interface World {
  readonly root: string
  readonly env: Record<string, string>
}

/** A directory with files to import, and where the data is: beside them, or at a server. */
async function world(name: string, endpoint?: string): Promise<World> {
  const root = join(suite.path, name)
  await mkdir(root)
  await writeFile(join(root, 'pets.jsonl'), points.map((each) => JSON.stringify(each)).join('\n'))
  const other = { dimension: 2, metric: 'cosine', index: { kind: 'flat' } }
  await writeFile(join(root, 'other.json'), JSON.stringify(other))
  const env =
    endpoint === undefined ? { VECTRA_DATA: join(root, 'data') } : { VECTRA_ENDPOINT: endpoint }
  return { root, env }
}

const run = (line: string, { root, env }: World): Promise<CliRun> =>
  runCli(line.replaceAll('$', root).split(' '), { env })

async function succeed(line: string, there: World): Promise<void> {
  const { exitCode, stderr } = await run(line, there)
  expect([exitCode, stderr], line).toEqual([0, expect.any(String)])
}

/** Without what differs between two runs of one command: places, instants, durations, random ids. */
const settled = ({ exitCode, stdout, stderr }: CliRun, { root }: World) => ({
  exitCode,
  ...Object.fromEntries(
    Object.entries({ stdout, stderr }).map(([name, text]) => [
      name,
      text
        .replaceAll(`${data()} at ${server.url}`, '$/data')
        .replaceAll(data(), '$/data')
        .replaceAll(root, '$')
        .replace(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f-]{22}/g, 'UUID')
        .replace(/\b(\d{6}-|UUID-)[0-9a-f]{16}\b/g, 'EPOCH')
        .replace(/history [0-9a-f]{16,32}/g, 'HISTORY')
        .replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, 'INSTANT')
        .replace(/\b[\d.]+ (ms|s)\b/g, 'DURATION')
        .replace(/\b[\d.]+ (B|KiB)( |\b)/g, 'SIZE ')
        // a server merges and seals when it likes
        .replace(/: \d+ segments? to .*/, ': MERGED')
        .replace(/ +/g, ' '),
    ]),
  ),
})

function commandsOf(command: Command, before: readonly string[] = []): string[] {
  if (command.commands.length === 0) return [before.join(' ')]
  return command.commands.flatMap((each) =>
    commandsOf(each, each.name().startsWith(':') ? before : [...before, each.name()]),
  )
}

describe('every command', () => {
  it('stands in a table of this file', () => {
    const program = buildProgram({ stdout: captured() } as never, () => {}) // nothing is run
    const table = [alike, ofRepositories, Object.keys(ofServers), ['serve']].flat()
    const known = commandsOf(program)
    const has = (line: string, command: string) => `${line} `.startsWith(`${command} `)
    expect(known.filter((command) => !table.some((line) => has(line, command)))).toEqual([])
    expect(table.filter((line) => !known.some((command) => has(line, command)))).toEqual([])
  })
})

describe('a server that is named', () => {
  it('lets commands answer as they do embedded, and is not asked about repositories', async () => {
    const here = await world('embedded')
    const there = await world('served', server.url)
    for (const line of alike) {
      const [embedded, served] = [await run(line, here), await run(line, there)]
      expect(settled(served, there), line).toEqual(settled(embedded, here))
    }
    // one of them is a test that nothing is alike because all fails
    expect((await run('collections count pets', there)).stdout).toBe('3\n')
    // repositories are looked at without it
    for (const line of ofRepositories) await succeed(line, { ...there, env: nobody })
  })

  it('is what some commands need, which say so where there is none', async () => {
    const { root } = await world('alone')
    const alone = { root, env: { VECTRA_DATA: join(root, 'data') } }
    const there = { root, env: { VECTRA_ENDPOINT: server.url } }
    await run('collections create watched --dimension 2', there)
    for (const [line, exitCode] of Object.entries(ofServers)) {
      const refused = await run(line, alone)
      expect([refused.exitCode, refused.stderr], line).toEqual([
        expect.toSatisfy((code) => code === 2 || code === 14),
        expect.stringMatching(/server|VECTRA_NODES/),
      ])
      const asked = await run(line, there)
      expect([asked.exitCode, asked.stderr], line).toEqual([exitCode, expect.any(String)])
    }
  })

  it('is not started beside the one that has the data', async () => {
    const { root } = await world('twice')
    const refused = await run(`serve --data ${data()} --listen 127.0.0.1:0`, { root, env: {} })
    expect([refused.exitCode, refused.stderr]).toEqual([11, expect.stringContaining(server.url)])
  })
})

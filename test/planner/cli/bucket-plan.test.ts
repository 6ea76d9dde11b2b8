/** Plans whose destinations are buckets, from the file to the restored collection. */
import { readFile, rm, writeFile } from 'node:fs/promises'
import { afterAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { dr, smallPlan } from '../../support/dr-command.ts'
import { type ObjectStore, startObjectStore, testKey } from '../../support/object-store.ts'

vi.stubEnv('AWS_ACCESS_KEY_ID', testKey.accessKeyId)
vi.stubEnv('AWS_SECRET_ACCESS_KEY', testKey.secretAccessKey)
afterAll(() => vi.unstubAllEnvs())

let store: ObjectStore
beforeEach(async () => {
  store = await startObjectStore()
})

const planWith = (destination: string) =>
  smallPlan((text) => text.replace('url: ./backups }', `${destination} }`))

describe('a plan with a bucket', () => {
  test('runs its drill there, locks what it writes, and tells the commands', async () => {
    const bucket = store.newBucket({ lock: true })
    const lock = 'objectLock: { mode: governance, for: 35d }'
    const { file } = await planWith(
      `url: s3://${bucket}/vectra, endpoint: "\${env.S3_ENDPOINT}", region: us-west-2, ${lock}`,
    )
    const env = { PATH: process.env['PATH'], S3_ENDPOINT: store.endpoint }
    const result = await dr(['drill', file, '--yes'], { env })
    expect([result.exitCode, result.stderr]).toEqual([0, expect.stringContaining('ok      check')])
    const stored = [...(store.state.buckets.get(bucket)?.versions ?? [])]
    const objects = stored.filter(([name]) => name.startsWith('vectra/objects/'))
    expect(objects.length).toBeGreaterThan(0)
    const nowMs = Date.now()
    for (const [, [version]] of objects) {
      expect(version?.mode).toBe('GOVERNANCE')
      expect(version?.retainUntil).toBeGreaterThan(nowMs + 34 * 86_400_000)
    }
    const explained = await dr(['explain', file, '--drill', 'lost'], { env })
    expect(explained.stdout).toContain(`--destination 's3://${bucket}/vectra?endpoint=***'`)
    expect(explained.stdout).toContain('--object-lock governance --lock-for 35d')
  })

  test('case 96: anchors its ledger there, locked, and finds a tail that was cut', async () => {
    const bucket = store.newBucket({ lock: true })
    const lock = 'objectLock: { mode: compliance, for: 35d }'
    const { file, state } = await smallPlan((text) =>
      text
        .replace(/ {6}- backup: .*\n/, '')
        .replace(
          'url: ./backups }',
          `url: "s3://${bucket}/vectra", endpoint: "${store.endpoint}", ${lock} }`,
        )
        .concat('ledger: { anchor: backups }\n'),
    )
    const ran = await dr(['run', file])
    expect([ran.exitCode, ran.stderr]).toEqual([0, expect.not.stringContaining('not anchored')])
    const stored = [...(store.state.buckets.get(bucket)?.versions ?? [])]
    expect(stored.map(([name, [version]]) => [name, version?.mode])).toEqual([
      ['vectra/.vectra-probe', undefined],
      [expect.stringMatching(/^vectra\/ledger-anchors\/small\//), 'COMPLIANCE'],
    ])
    expect((await dr(['ledger', 'verify', file])).stdout).toContain('1 anchor at backups\n')
    const ledger = `${state}/ledger.jsonl`
    const lines = (await readFile(ledger, 'utf8')).trimEnd().split('\n').slice(0, 2)
    await writeFile(ledger, `${lines.join('\n')}\n`)
    await rm(`${ledger}.head`)
    const { exitCode, stderr } = await dr(['ledger', 'verify', file])
    expect([exitCode, stderr]).toEqual([13, expect.stringContaining('line 3 of')])
    // and the first backup still makes its repository there
    expect(await dr(['drill', file, '--yes'])).toMatchObject({ exitCode: 0 })
  })

  test('fails its run with the store’s own answer when the bucket is not there', async () => {
    const { file, state } = await planWith(
      `url: s3://nowhere/vectra, endpoint: "${store.endpoint}"`,
    )
    const result = await dr(['drill', file, '--yes'])
    expect(result.exitCode).toBe(15)
    expect(await readFile(`${state}/ledger.jsonl`, 'utf8')).toContain('bucket-not-found')
  })

  test.each([
    ['url: ./backups, endpoint: "https://s3.example.com"', 'goes with an s3:// URL only'],
    ['url: "s3://bucket", endpoint: "ftp://host"', 'endpoint'],
    ['url: "s3://bucket", objectLock: { mode: maybe, for: 1d }', 'mode'],
    ['url: "s3://bucket", objectLock: { mode: compliance }', '"for" is missing'],
    ['url: "s3://bucket", objectLock: { mode: compliance, for: 0s }', 'no time at all'],
  ])('with %s is refused', async (destination, told) => {
    const { file } = await planWith(destination)
    const result = await dr(['validate', file])
    expect(result.exitCode).toBe(10)
    expect(result.stderr + result.stdout).toContain(told)
  })
})

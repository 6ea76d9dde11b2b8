import { expect, test } from 'vitest'
import { OperatingError } from '../../../engine/index.ts'
import { readSchemaFiles } from '../../../planner/plan/schema-files.ts'
import { observationsIn } from '../../../planner/step/observation.ts'
import { stepRegistry } from '../../../planner/step/registry.ts'
import type { Position } from '../../../planner/target/target.ts'
import { buildCollection, buildPlan, somewhere, text } from '../../support/plan-builder.ts'
import { buildAdapter, buildRecord, noRepositories, stepBench } from '../../support/step-bench.ts'
import { webServer } from '../../support/web-server.ts'

const position: Position = {
  uuid: 'u1',
  epoch: { number: 1, history: 'h1' },
  lsn: 12,
  committedAt: 1_000,
  count: 10,
  observedAt: 2_000,
}
const digest = 'd'.repeat(64)

const adapter = buildAdapter({
  importFile: async () => ({ created: true, points: 10, bytes: 99, count: 10, digest, position }),
  backup: async ({ snapshotId }) => ({
    snapshotId,
    lsn: 12,
    count: 10,
    digest,
    position,
    manifest: { path: `snapshots/words/${snapshotId}.json`, sha256: 'f'.repeat(64) },
    storedBytes: 50,
    totalBytes: 60,
  }),
  restore: async ({ as }) => ({
    name: as,
    snapshotId: 's1',
    source: 'file:///backups/local',
    recoveryPoint: { uuid: 'u1', history: 'h1', lsn: 12 },
    takenAt: 2_000,
    count: 10,
    digest,
    bytes: 60,
    graphs: 'kept',
  }),
  archive: async () => ({
    ...{ files: 1, records: 5, bytes: 70, lsn: 12, restorable: true },
    position,
  }),
  drop: async () => ({ dropped: true, before: position, at: 3_000 }),
  measure: async () => ({
    position,
    shape: { dimension: 2, metric: 'l2', index: { kind: 'flat' } },
    digest,
    contentKnownAt: 4_000,
    search: {
      truth: 'exact search',
      k: 10,
      queries: 1,
      recall: 1,
      worst: [],
      latencyMs: { p50: 1, p95: 1, p99: 1 },
      searches: 1,
      servingAt: 5_000,
    },
  }),
})
const copied = {
  ...{ collection: 'words', snapshotId: 's9', path: 'snapshots/words/s9.json' },
  ...{ manifestSha256: 'e'.repeat(64), bytes: 60, readShare: 1 },
  outcome: 'copied',
} as const
const repositories = {
  ...noRepositories,
  verify: async () => ({ snapshots: [], objects: 3, bytes: 60, damage: [] as string[] }),
  prune: async () => ({ snapshots: [], objects: 2, bytes: 30, locked: 1 }),
  latest: async () => 's9',
  copy: async () => ({ snapshots: [copied], objects: 2, bytes: 60, archived: 1 }),
}
const bench = () => stepBench({ adapter, repositories })
const { context } = bench()

const run = {
  import: () =>
    stepRegistry.import.run(
      { target: 'primary', collection: 'words', file: text('/f'), format: 'jsonl' },
      context,
    ),
  backup: () =>
    stepRegistry.backup.run(
      { collections: ['words'], to: 'local', id: text('s1'), mode: 'incremental' },
      context,
    ),
  archive: () => stepRegistry.archive.run({ collections: ['words'], to: 'local' }, context),
  copy: () =>
    stepRegistry.copy.run(
      { from: 'local', to: 'local', collection: 'words', snapshot: { kind: 'latest' } },
      context,
    ),
  verify: () =>
    stepRegistry.verify.run(
      { in: 'local', collection: 'words', snapshot: { kind: 'latest' }, depth: 'objects' },
      context,
    ),
  restore: () =>
    stepRegistry.restore.run(
      {
        from: ['local'],
        collection: 'words',
        snapshot: { kind: 'latest' },
        into: 'primary',
        as: text('words_test'),
        replace: false,
        reindex: false,
      },
      context,
    ),
  check: () =>
    stepRegistry.check.run(
      {
        target: 'primary',
        collection: text('words'),
        parity: false,
        recall: { min: 0.5 },
        digest: 'equal',
      },
      context,
    ),
  drop: () =>
    stepRegistry.drop.run(
      { target: 'primary', collection: text('words'), ifExists: true },
      context,
    ),
  prune: () => stepRegistry.prune.run({ in: 'local', keep: { last: 3 } }, context),
  inject: () =>
    stepRegistry.inject.run(
      { fault: 'drop-collection', target: 'primary', collection: 'words' },
      context,
    ),
  exec: () =>
    stepRegistry.exec.run(
      {
        command: [text(process.execPath), text('-e'), text('1')],
        env: new Map(),
        workingDirectory: '/tmp',
        repeatable: false,
      },
      context,
    ),
  wait: () => stepRegistry.wait.run({ kind: 'time', forMs: 1 }, context),
  http: async () => stepRegistry.http.run({ ...(await asked()), method: 'GET' }, context),
  probe: async () => stepRegistry.probe.run({ ...(await asked()), withinMs: 1_000 }, context),
  notify: () => {
    const command = [text(process.execPath), text('-e'), text('1')] as const
    const channel = { kind: 'exec', name: 'ops', allowPrivate: false, place: somewhere } as const
    const channels = new Map([['ops', { ...channel, command }]])
    const { people } = context.plan
    const plan = buildPlan({ directory: '/tmp', people: { ...people, channels } })
    return stepRegistry.notify.run(
      { channel: 'ops', message: text('done') },
      stepBench({ plan }).context,
    )
  },
}

async function asked() {
  const { port } = await webServer((response) => response.end('well'))
  return {
    url: text(`http://127.0.0.1:${port}/`),
    headers: new Map(),
    expect: {},
    allowPrivate: false,
  }
}

test.each(Object.keys(run) as (keyof typeof run)[])(
  '%s gives every output that its schema names, as plain JSON',
  async (kind) => {
    const { steps } = await readSchemaFiles()
    const promised = steps.get(kind)?.['x-outputs']
    const { outputs } = await run[kind]()
    expect(Array.isArray(promised)).toBe(true)
    for (const name of promised as string[]) {
      expect(['string', 'number', 'boolean'], `${kind}.${name}`).toContain(typeof outputs[name])
    }
    expect(JSON.parse(JSON.stringify(outputs))).toEqual(outputs)
  },
)

test('steps that read a position leave it as an observation', async () => {
  const seen = { uuid: 'u1', history: 'h1', lsn: 12, observedAt: 2_000 }
  for (const kind of [
    'import',
    'backup',
    'archive',
    'restore',
    'check',
    'drop',
    'inject',
  ] as const) {
    expect(observationsIn((await run[kind]()).outputs), kind).toEqual([seen])
  }
})

test('a backup names the manifest it wrote as evidence', async () => {
  expect((await run.backup()).evidence).toEqual([
    { artefact: 'local:snapshots/words/s1.json', sha256: 'f'.repeat(64) },
  ])
})

test('inject records the instant and the last acknowledged write', async () => {
  expect((await run.inject()).outputs).toMatchObject({
    disasterAt: '1970-01-01T00:00:03.000Z',
    lastAcknowledged: { lsn: 12, committedAt: '1970-01-01T00:00:01.000Z' },
  })
})

test('verify fails with all damage it found, and keeps the list', async () => {
  const damage = ['object aa is missing', 'object bb has another hash']
  const made = stepBench({
    repositories: {
      ...repositories,
      verify: async () => ({ snapshots: [], objects: 3, bytes: 60, damage }),
    },
  })
  const { outputs, error } = await stepRegistry.verify.run(
    { in: 'local', depth: 'content' },
    made.context,
  )
  expect(error).toMatchObject({ code: 'damaged', details: damage })
  expect(outputs['damage']).toEqual(damage)
  expect(made.kept.get('verify.json')).toContain('object bb')
})

test('prune keeps why each snapshot stayed or went, and fails with what the store refused', async () => {
  const error = new OperatingError('credential-refused', 'may not delete', '')
  const snapshot = {
    collection: 'words',
    snapshotId: 's1',
    asOfAt: '2026-01-01T00:00:00.000Z',
    lsn: 1,
    tags: [],
    outcome: 'removed',
    reasons: ['no rule keeps it'],
  } as const
  const asked: unknown[] = []
  const made = stepBench({
    adapter,
    repositories: {
      ...noRepositories,
      prune: async (request) => {
        asked.push(request)
        return { snapshots: [snapshot], objects: 2, bytes: 30, locked: 0, error }
      },
    },
  })
  const keep = { last: 3, withinMs: 86_400_000, tags: ['audit'] }
  const result = await stepRegistry.prune.run(
    { in: 'local', collection: 'words', keep },
    made.context,
  )
  expect(asked).toEqual([
    { url: expect.stringContaining('file://'), keep, timezone: 'UTC', collection: 'words' },
  ])
  expect(result).toMatchObject({ error, outputs: { kept: 0, removed: 1, objects: 2, bytes: 30 } })
  expect(made.kept.get('prune.json')).toContain('no rule keeps it')
  const { sentence, commands } = stepRegistry.prune.describe(
    { in: 'local', keep },
    made.context.plan,
  )
  expect(sentence).toBe('Remove snapshots from local, but keep 3 last, all within 1d, tag audit')
  expect(commands[0]?.slice(4)).toEqual(
    '--keep-last 3 --keep-within 1d --keep-tag audit --timezone UTC --prune'.split(' '),
  )
})

test('verify asks for a sample as a share', async () => {
  const asked: unknown[] = []
  const made = stepBench({
    adapter,
    repositories: {
      ...noRepositories,
      verify: async (request) => {
        asked.push(request)
        const sample = { readShare: 0.07, seed: 9 }
        return { snapshots: [], objects: 1, bytes: 7, damage: [], sample }
      },
    },
  })
  const input = { in: 'local', depth: 'objects', sample: 0.07 } as const
  const { outputs } = await stepRegistry.verify.run(input, made.context)
  expect(asked).toMatchObject([{ sample: { share: 0.07 } }])
  expect(outputs).toMatchObject({ readShare: 0.07, seed: 9 })
  const { sentence, commands } = stepRegistry.verify.describe(input, made.context.plan)
  expect(sentence).toMatch(/to depth objects, reading 7% of it$/)
  expect(commands[0]?.slice(-2)).toEqual(['--sample', '7%'])
})

test('verify asks for the newest snapshot by its id', async () => {
  const asked: unknown[] = []
  const made = stepBench({
    repositories: {
      ...repositories,
      verify: async (request) => {
        asked.push(request)
        return { snapshots: [], objects: 0, bytes: 0, damage: [] }
      },
    },
  })
  const input = { in: 'local', collection: 'words', depth: 'objects' } as const
  await stepRegistry.verify.run({ ...input, snapshot: { kind: 'latest' } }, made.context)
  await stepRegistry.verify.run(
    { ...input, snapshot: { kind: 'id', id: text('s3') } },
    made.context,
  )
  await stepRegistry.verify.run(input, made.context)
  expect(asked).toMatchObject([{ snapshotId: 's9' }, { snapshotId: 's3' }, {}])
  expect(asked[2]).not.toHaveProperty('snapshotId')
})

test('an import is taken back only when it made the collection', async () => {
  const dropped: string[] = []
  const made = stepBench({
    adapter: buildAdapter({
      drop: async (name) => {
        dropped.push(name)
        return { dropped: true, at: 0 }
      },
    }),
  })
  const input = {
    target: 'primary',
    collection: 'words',
    file: text('f'),
    format: 'jsonl',
  } as const
  const undo = (created: boolean) =>
    stepRegistry.import.undo?.(input, buildRecord({ outputs: { created } }), made.context)
  await undo(false)
  expect(dropped).toEqual([])
  await undo(true)
  expect(dropped).toEqual(['words'])
})

test('a restore is taken back by dropping it, unless it replaced something', async () => {
  const dropped: string[] = []
  const made = stepBench({
    adapter: buildAdapter({
      drop: async (name) => {
        dropped.push(name)
        return { dropped: true, at: 0 }
      },
    }),
  })
  const input = {
    from: ['local'],
    collection: 'words',
    snapshot: { kind: 'latest' },
    into: 'primary',
    reindex: false,
  } as const
  const record = buildRecord({ outputs: { collection: 'words_test' } })
  await stepRegistry.restore.undo?.({ ...input, replace: true }, record, made.context)
  expect(dropped).toEqual([])
  await stepRegistry.restore.undo?.({ ...input, replace: false }, record, made.context)
  expect(dropped).toEqual(['words_test'])
})

test('a backup of several collections takes each from its own target', async () => {
  const asked: string[] = []
  const plan = buildPlan({
    collections: [
      buildCollection('words'),
      buildCollection('books', { target: 'second', golden: { sample: 5, k: 3 } }),
    ],
  })
  const made = stepBench({
    plan,
    target: (name) => {
      asked.push(name)
      return adapter
    },
  })
  const { outputs } = await stepRegistry.backup.run(
    { collections: ['words', 'books'], to: 'local', id: text('s1'), mode: 'full' },
    made.context,
  )
  expect(asked).toEqual(['primary', 'second'])
  expect(outputs['snapshots']).toHaveLength(2)
  expect(outputs).not.toHaveProperty('snapshot')
})

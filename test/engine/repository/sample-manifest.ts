/** A snapshot manifest as a backup writes it, small, for tests of the format. */
import type { SnapshotManifest } from '../../../engine/repository/snapshot-manifest.ts'

const hash = (digit: string) => digit.repeat(64)

export function sampleManifest(changes: Partial<SnapshotManifest> = {}): SnapshotManifest {
  return {
    id: 'daily_1',
    collection: { uuid: '6f1d6c2e-8d0a-4a53-9f6e-2f6f3d1f7b11', name: 'products' },
    epoch: { number: 3, history: '00112233aabbccdd' },
    lsn: 42,
    committedAtUs: 1_767_225_600_000_000,
    asOfAt: '2026-01-01T00:00:01.000Z',
    createdAt: '2026-01-01T00:00:02.000Z',
    count: 2,
    digest: hash('d'),
    config: {
      dimension: 4,
      metric: 'cosine',
      index: { kind: 'hnsw', m: 16, efConstruction: 200, ef: 100 },
      durability: { mode: 'always' },
    },
    aliases: [],
    tags: ['audit'],
    files: [
      {
        path: 'segments/00000001.vectors',
        sizeBytes: 16 * 1024 * 1024 + 1,
        pieces: [{ sha256: hash('1') }, { sha256: hash('2') }],
      },
      { path: 'wal/000003-00112233aabbccdd/0000000000000043.wal', sizeBytes: 0, pieces: [] },
      { path: 'manifest-0000000007.json', sizeBytes: 9, pieces: [{ sha256: hash('3') }] },
    ],
    golden: {
      k: 10,
      queries: [
        { id: 7, neighbours: [{ id: 'späti \uFFFD', distance: 0.25 }] },
        { id: 'späti \uFFFD', neighbours: [{ id: 7, distance: 0.25 }] },
      ],
      recall: 1,
      measuredIn: 'monday',
      latencyMs: { p50: 0.125, p95: 0.5 },
    },
    provenance: {
      embedding: { model: 'all-MiniLM-L6-v2', version: '2' },
      engine: '0.1.0',
      node: 'v20.20.2',
      platform: 'linux-x64',
      host: 'host',
    },
    parent: null,
    mode: 'incremental',
    sizes: { totalBytes: 16 * 1024 * 1024 + 10, addedBytes: 9 },
    ...changes,
  }
}

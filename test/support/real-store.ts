/**
 * An object store that nobody here wrote, started for a test from the packages of the distribution: the Ceph
 * RADOS Gateway, or OpenStack Swift with its S3 middleware. `.ci/run` installs them; where they are missing
 * a test fails.
 */
import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3'
import { S3Destination } from '../../engine/destination/s3.ts'
import type { S3Credentials, S3Options } from '../../engine/destination/s3-client.ts'
import { S3Past } from '../../engine/destination/s3-past.ts'

export interface RealStore {
  readonly endpoint: string
  readonly credentials: S3Credentials
  /** Makes a bucket nobody used yet. */
  newBucket(options?: { lock?: boolean }): Promise<string>
  open(bucket: string, options?: S3Options): S3Destination
  /** The bucket as it was. */
  openPast(bucket: string, asOfMs: number): S3Past
  stop(): Promise<void>
}

const kinds = {
  ceph: {
    firstPort: 20_000,
    script: 'ceph-up.sh',
    accessKeyId: 'ciaccess',
    secretAccessKey: 'cisecret',
  },
  swift: {
    firstPort: 26_000,
    script: 'swift-up.sh',
    accessKeyId: 'test:tester',
    secretAccessKey: 'testing',
  },
} as const

/** Ports that a server needs side by side, starting with the one that it answers on. */
const portsOf = 4

export async function startRealStore(kind: keyof typeof kinds): Promise<RealStore> {
  const { firstPort, script, ...credentials } = kinds[kind]
  const directory = await mkdtemp(join(tmpdir(), `vectra-${kind}-`))
  const path = fileURLToPath(new URL(`../system/servers/${script}`, import.meta.url))
  const stop = async () => {
    await promisify(execFile)('bash', [path, 'stop', directory])
    await rm(directory, { recursive: true, force: true })
  }
  const port = await freePorts(firstPort)
  try {
    await promisify(execFile)('bash', [path, 'start', directory, String(port)], {
      timeout: 110_000,
    })
  } catch (error) {
    const log = await readFile(join(directory, 'start.log'), 'utf8').catch(() => '')
    await stop()
    throw new Error(`${script} did not start: ${String(error)}\n${log}`)
  }
  const endpoint = `http://127.0.0.1:${port}`
  const client = new S3Client({ endpoint, credentials, region: 'us-east-1', forcePathStyle: true })
  let buckets = 0
  return {
    endpoint,
    credentials,
    async newBucket({ lock = false } = {}) {
      const Bucket = `bucket-${++buckets}`
      const locked = lock ? { ObjectLockEnabledForBucket: true } : {}
      await client.send(new CreateBucketCommand({ Bucket, ...locked }))
      return Bucket
    },
    open: (bucket, options) =>
      new S3Destination(
        { bucket, prefix: '', endpoint },
        { credentials: async () => credentials, ...options },
      ),
    openPast: (bucket, asOfMs) =>
      new S3Past(
        { bucket, prefix: '', endpoint, asOfMs },
        { credentials: async () => credentials },
      ),
    async stop() {
      client.destroy()
      await stop()
    },
  }
}

/**
 * The first of some ports in a row that nobody listens on, from 6,000 of which each kind has its own: two
 * test files look at the same time. They lie below those that connections are given.
 */
async function freePorts(firstPort: number): Promise<number> {
  const begin = process.pid % 1_500
  for (let turn = 0; turn < 1_500; turn++) {
    const first = firstPort + ((begin + turn) % 1_500) * portsOf
    const ports = Array.from({ length: portsOf }, (_, index) => first + index)
    const free = await Promise.all(ports.map(isFree))
    if (free.every(Boolean)) return first
  }
  throw new Error('no free ports')
}

const isFree = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })

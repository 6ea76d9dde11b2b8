/**
 * Reading a snapshot manifest: every field is checked for type and bounds, every path and name against
 * what a collection may have, and the whole must serialise to the very bytes it came from, so that an
 * unknown field, a duplicate key or a flipped bit cannot pass.
 */
import { checkJson, isJsonObject, type JsonObject, type JsonValue } from '../base/canonical-json.ts'
import { fail, isOperatingError } from '../base/errors.ts'
import { limits } from '../base/limits.ts'
import { nameProblem } from '../base/name.ts'
import { readConfig } from '../format/config.ts'
import { Fields, patterns } from '../format/fields.ts'
import { isCollectionPath, readEpoch } from '../format/manifest.ts'
import { acceptId, type PointId } from '../format/point.ts'
import { instantPattern } from './instant.ts'
import { damaged, readDocument, withRepositoryHint } from './read-document.ts'
import { publicKeyPattern, type Signature, signaturePattern } from './signing.ts'
import {
  decodeVector,
  encodeSnapshot,
  type Golden,
  type GoldenNeighbour,
  type Provenance,
  pieceCount,
  type SnapshotFile,
  type SnapshotManifest,
  snapshotKind,
} from './snapshot-manifest.ts'

const textLength = 512

/** @throws `damaged`, `newer-format`, `unsafe-name` */
export const decodeSnapshot = (bytes: Uint8Array, file: string): SnapshotManifest =>
  withRepositoryHint(() => decode(bytes, file))

function decode(bytes: Uint8Array, file: string): SnapshotManifest {
  const bounds = { bytes: limits.snapshotManifestBytes, values: limits.snapshotManifestValues }
  const fields = new Fields(readDocument(snapshotKind, bytes, file, bounds), file)
  const collection = fields.object('collection')
  const files = fields.objects('files', limits.snapshotFiles).map((entry) => readFile(entry, file))
  const sizes = fields.object('sizes')
  const config = readConfig(fields.object('config'))
  const manifest: SnapshotManifest = {
    id: readName(fields, 'id', file),
    collection: {
      uuid: collection.text('uuid', patterns.uuid),
      name: readName(collection, 'name', file),
    },
    epoch: readEpoch(fields.object('epoch')),
    lsn: fields.integer('lsn'),
    committedAtUs: fields.integer('committedAtUs'),
    asOfAt: fields.text('asOfAt', instantPattern),
    createdAt: fields.text('createdAt', instantPattern),
    count: fields.integer('count'),
    digest: fields.text('digest', patterns.sha256),
    config,
    aliases: fields.list('aliases', limits.collections).map((alias) => safeName(alias, file)),
    tags: fields.has('tags')
      ? fields.list('tags', limits.snapshotTags).map((tag) => safeName(tag, file))
      : [], // version 1 has none
    files,
    golden: readGolden(
      fields.object('golden'),
      readName(fields, 'id', file),
      config.dimension,
      file,
    ),
    provenance: readProvenance(fields.object('provenance'), file),
    parent: fields.has('parent') ? readName(fields, 'parent', file) : null,
    mode: fields.oneOf('mode', ['incremental', 'full'] as const),
    sizes: {
      totalBytes: sizes.integer('totalBytes'),
      addedBytes: sizes.integer('addedBytes'),
    },
    ...(fields.has('signature') && { signature: readSignature(fields.object('signature')) }),
  }
  if (new Set(files.map((each) => each.path)).size !== files.length) {
    damaged(file, 'it names a file twice')
  }
  const totalBytes = files.reduce((sum, each) => sum + each.sizeBytes, 0)
  if (totalBytes !== manifest.sizes.totalBytes) damaged(file, 'its sizes do not add up')
  const version = fields.integer('version')
  const isNewer = version < 3 && manifest.golden.queries.some((each) => each.vector !== undefined)
  if (isNewer || !encodeSnapshot(manifest, version).equals(bytes)) {
    damaged(file, 'it has unknown fields')
  }
  return manifest
}

const readSignature = (fields: Fields): Signature => ({
  publicKey: fields.text('publicKey', publicKeyPattern),
  signature: fields.text('signature', signaturePattern),
})

function readFile(fields: Fields, file: string): SnapshotFile {
  const path = fields.text('path')
  if (!isCollectionPath(path)) {
    fail(
      'unsafe-name',
      `${file} names the file ${JSON.stringify(path.slice(0, textLength))}, which no collection has`,
      'Do not trust this repository: the product never wrote that. Nothing was written.',
      { place: { file } },
    )
  }
  const sizeBytes = fields.integer('sizeBytes')
  const pieces = fields.objects('pieces', limits.snapshotManifestValues).map((piece) => ({
    sha256: piece.text('sha256', patterns.sha256),
  }))
  if (pieces.length !== pieceCount(sizeBytes)) {
    damaged(file, `${path} has ${pieces.length} pieces, but ${sizeBytes} bytes`)
  }
  return { path, sizeBytes, pieces }
}

const readName = (fields: Fields, key: string, file: string): string =>
  safeName(fields.text(key), file)

function safeName(name: JsonValue, file: string): string {
  const problem = typeof name === 'string' ? nameProblem(name) : 'is not text'
  if (typeof name === 'string' && problem === undefined) return name
  return fail(
    'unsafe-name',
    `${file} has the name ${JSON.stringify(name).slice(0, textLength)}, which ${problem}`,
    'Do not trust this repository: the product never wrote that. Nothing was written.',
    { place: { file } },
  )
}

function readGolden(fields: Fields, id: string, dimension: number, file: string): Golden {
  const latencyMs = fields.has('latencyMs') ? fields.object('latencyMs') : undefined
  const recall = fields.has('recall') ? fields.number('recall') : null
  if (recall !== null && !(recall >= 0 && recall <= 1)) damaged(file, 'its recall is not in 0 to 1')
  return {
    k: fields.integer('k', 1, limits.searchK),
    queries: fields.list('queries', limits.goldenQueries).map((query) => {
      const entry = member(query, 'a golden query', file)
      const neighbours = entry['neighbours']
      if (!Array.isArray(neighbours) || neighbours.length > limits.searchK) {
        return damaged(file, 'a golden query has no list of neighbours')
      }
      return {
        id: readId(entry['id'], file),
        ...(entry['vector'] !== undefined && {
          vector: readVector(entry['vector'], dimension, file),
        }),
        neighbours: neighbours.map((each) => readNeighbour(each, file)),
      }
    }),
    recall,
    latencyMs: latencyMs ? { p50: latencyMs.number('p50'), p95: latencyMs.number('p95') } : null,
    // in version 1 every backup measured
    measuredIn: fields.has('measuredIn') ? readName(fields, 'measuredIn', file) : id,
  }
}

function readVector(text: JsonValue, dimension: number, file: string): string {
  if (typeof text !== 'string') return damaged(file, 'the vector of a golden query is not text')
  const bytes = Buffer.from(text, 'base64')
  const isWhole = bytes.length === 4 * dimension && bytes.toString('base64') === text
  return isWhole && decodeVector(text).every(Number.isFinite)
    ? text
    : damaged(file, `the vector of a golden query is not ${dimension} finite float32 values`)
}

function readNeighbour(value: unknown, file: string): GoldenNeighbour {
  const entry = member(value, 'a golden neighbour', file)
  const distance = entry['distance']
  if (typeof distance !== 'number') return damaged(file, 'a golden distance is not a number')
  return { id: readId(entry['id'], file), distance }
}

function member(value: unknown, what: string, file: string): JsonObject {
  return isJsonObject(value) ? value : damaged(file, `${what} is not an object`)
}

function readId(value: JsonValue | undefined, file: string): PointId {
  try {
    return acceptId(value)
  } catch (error) {
    if (!isOperatingError(error)) throw error
    return damaged(file, error.message)
  }
}

function readProvenance(fields: Fields, file: string): Provenance {
  const short = (key: string): string => {
    const text = fields.text(key)
    return text.length <= textLength ? text : damaged(file, `provenance.${key} is too long`)
  }
  return {
    embedding: fields.has('embedding') ? readEmbedding(fields.json('embedding'), file) : null,
    engine: short('engine'),
    node: short('node'),
    platform: short('platform'),
    host: short('host'),
  }
}

function readEmbedding(embedding: JsonObject, file: string): JsonObject {
  try {
    checkJson(embedding, 'provenance.embedding')
    return embedding
  } catch (error) {
    if (!isOperatingError(error)) throw error
    return damaged(file, error.message)
  }
}

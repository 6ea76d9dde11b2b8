/**
 * Import by name: into the collection when it exists, else into a new one whose dimension the source
 * tells. A new collection whose first import fails is dropped again, so nothing half-made stays.
 */
import { fail, isOperatingError, OperatingError } from '../base/errors.ts'
import type { Collection } from '../collection/collection.ts'
import type { DataDirectory } from '../collection/data-directory.ts'
import { type ConfigInput, makeConfig } from '../format/config.ts'
import {
  type ImportRequest,
  type ImportResult,
  type ImportRun,
  importedRemark,
  startImport,
  withRemark,
} from './import-points.ts'

export interface CollectionImportRequest extends ImportRequest {
  readonly name: string
  /** Settings of a new collection; one that exists must already have those that are given. */
  readonly config?: Omit<Partial<ConfigInput>, 'dimension'> | undefined
}

export interface CollectionImportResult extends ImportResult {
  readonly collection: Collection
  /** Whether this import made the collection. */
  readonly created: boolean
  /** Time for sealing and indexing after the last batch. */
  readonly checkpointMs: number
}

/**
 * Imports, then checkpoints, so that the index is built and a restart replays nothing.
 * @throws what {@link ImportRun} throws; `invalid-config` for settings that do not fit; `undo-failed`
 *   when a half-made collection could not be dropped
 */
export async function importCollection(
  directory: DataDirectory,
  request: CollectionImportRequest,
): Promise<CollectionImportResult> {
  const run = startImport(request)
  try {
    return directory.has(request.name)
      ? await intoExisting(directory, request, run)
      : await intoNew(directory, request, run)
  } finally {
    await run.close()
  }
}

async function intoExisting(
  directory: DataDirectory,
  request: CollectionImportRequest,
  run: ImportRun,
): Promise<CollectionImportResult> {
  const collection = await directory.open(request.name)
  try {
    refuseOtherSettings(collection, request)
    const stream = await run.open(collection.config.dimension)
    return await load(collection, request, run, stream, false)
  } catch (error) {
    throw withRemark(error, importedRemark(run.imported()))
  }
}

async function intoNew(
  directory: DataDirectory,
  request: CollectionImportRequest,
  run: ImportRun,
): Promise<CollectionImportResult> {
  const stream = await run.open(request.dimension)
  const { source, name } = request
  const dimension =
    stream.dimension ??
    request.dimension ??
    fail('usage', `${source.name} is empty and does not tell a dimension`, 'Add --dimension N.')
  if (request.dimension !== undefined && request.dimension !== dimension) {
    fail(
      'invalid-input-file',
      `${source.name} has vectors of dimension ${dimension}, not ${request.dimension}`,
      'Leave --dimension out, or check the file.',
      { place: { file: source.name } },
    )
  }
  const collection = await directory.create(name, makeConfig({ ...request.config, dimension }))
  try {
    return await load(collection, request, run, stream, true)
  } catch (error) {
    await dropAgain(directory, name, error)
    throw withRemark(error, 'nothing was imported, the new collection is gone again')
  }
}

async function load(
  collection: Collection,
  request: CollectionImportRequest,
  run: ImportRun,
  stream: Awaited<ReturnType<ImportRun['open']>>,
  created: boolean,
): Promise<CollectionImportResult> {
  const result = await run.into(collection, stream)
  const startedMs = request.clock.monotonicMs()
  await collection.checkpoint()
  const checkpointMs = request.clock.monotonicMs() - startedMs
  return { ...result, collection, created, checkpointMs }
}

async function dropAgain(directory: DataDirectory, name: string, error: unknown): Promise<void> {
  try {
    await directory.drop(name)
  } catch (dropError) {
    if (!isOperatingError(error) || !isOperatingError(dropError)) throw dropError
    throw new OperatingError(
      'undo-failed',
      `${error.message}; and the half-imported collection ${name} could not be dropped: ${dropError.message}`,
      `Put right what is said last, then drop it: vectra-cli collections drop ${name}.`,
      { place: error.place, cause: error },
    )
  }
}

function refuseOtherSettings(collection: Collection, request: CollectionImportRequest): void {
  const { dimension, metric, index } = collection.config
  const has: Record<string, unknown> = { dimension, metric, ...index, index: index.kind }
  const wanted = { ...request.config, dimension: request.dimension }
  for (const [key, value] of Object.entries(wanted)) {
    if (value === undefined || value === has[key]) continue
    fail(
      'invalid-config',
      `the collection ${request.name} exists with ${key} ${has[key] ?? 'unset'}, not ${value}`,
      'Leave that setting out, or import into a new collection.',
    )
  }
}

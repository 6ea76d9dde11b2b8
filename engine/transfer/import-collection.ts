/**
 * Import by name: into the collection when it exists, else into a new one whose dimension the source
 * tells. A new collection whose first import fails is dropped again, so nothing half-made stays. A
 * process that is killed cannot do that: what it leaves holds the batches that were acknowledged.
 */
import { fail, isOperatingError, OperatingError } from '../base/errors.ts'
import type { Collection } from '../collection/collection.ts'
import { type CollectionConfig, type ConfigInput, makeConfig } from '../format/config.ts'
import {
  type ImportRequest,
  type ImportResult,
  type ImportRun,
  importedRemark,
  startImport,
  withRemark,
} from './import-points.ts'
import type { PointStream } from './open-points.ts'

export interface CollectionImportRequest extends ImportRequest {
  readonly name: string
  /** Settings of a new collection; one that exists must already have those that are given. */
  readonly config?: Omit<Partial<ConfigInput>, 'dimension'> | undefined
}

/** The part of a collection that an import by name needs. */
export type ImportedCollection = Pick<Collection, 'config' | 'lsn' | 'upsert' | 'checkpoint'>

/** The part of a data directory that an import needs. */
export interface ImportDirectory<Imported extends ImportedCollection> {
  has(name: string): boolean
  open(name: string): Promise<Imported>
  create(name: string, config: CollectionConfig): Promise<Imported>
  drop(name: string): Promise<unknown>
}

export interface CollectionImportResult<Imported extends ImportedCollection = Collection>
  extends ImportResult {
  readonly collection: Imported
  /** Whether this import made the collection. */
  readonly created: boolean
  /** Time for sealing and indexing after the last batch. */
  readonly checkpointMs: number
}

/** An import whose source is open and found good so far; nothing is written yet. */
export interface OpenImport {
  /**
   * Imports, then checkpoints, so that the index is built and a restart replays nothing.
   * @throws `invalid-input-file`, `invalid-point`, `invalid-vector`, `invalid-config`; `undo-failed`
   *   when a half-made collection could not be dropped
   */
  into<Imported extends ImportedCollection>(
    directory: ImportDirectory<Imported>,
  ): Promise<CollectionImportResult<Imported>>
  close(): Promise<void>
}

/**
 * Reads the head of the source, so that most mistakes are found before a data directory is made.
 * @throws `usage`, `invalid-input-file`
 */
export async function openImport(request: CollectionImportRequest): Promise<OpenImport> {
  const run = startImport(request)
  const needsCollection = request.format === 'f32' && request.dimension === undefined
  try {
    const stream = needsCollection ? undefined : await run.open(request.dimension)
    return {
      into: (directory) =>
        directory.has(request.name)
          ? intoExisting(directory, request, run, stream)
          : intoNew(directory, request, run, stream),
      close: () => run.close(),
    }
  } catch (error) {
    await run.close()
    throw error
  }
}

/** Opens, imports and closes: for callers whose data directory is open. */
export async function importCollection<Imported extends ImportedCollection>(
  directory: ImportDirectory<Imported>,
  request: CollectionImportRequest,
): Promise<CollectionImportResult<Imported>> {
  const opened = await openImport(request)
  try {
    return await opened.into(directory)
  } finally {
    await opened.close()
  }
}

async function intoExisting<Imported extends ImportedCollection>(
  directory: ImportDirectory<Imported>,
  request: CollectionImportRequest,
  run: ImportRun,
  opened: PointStream | undefined,
): Promise<CollectionImportResult<Imported>> {
  const collection = await directory.open(request.name)
  try {
    refuseOtherSettings(collection, request)
    const stream = opened ?? (await run.open(collection.config.dimension))
    return { ...(await load(collection, request, run, stream)), created: false }
  } catch (error) {
    throw withRemark(error, importedRemark(run.imported()))
  }
}

async function intoNew<Imported extends ImportedCollection>(
  directory: ImportDirectory<Imported>,
  request: CollectionImportRequest,
  run: ImportRun,
  opened: PointStream | undefined,
): Promise<CollectionImportResult<Imported>> {
  const { source, name, dimension: wanted } = request
  const stream = opened ?? (await run.open(undefined))
  const dimension =
    stream.dimension ??
    wanted ??
    fail('usage', `${source.name} is empty and tells no dimension`, 'Add --dimension N.')
  if (wanted !== undefined && wanted !== dimension) {
    fail(
      'invalid-input-file',
      `${source.name} has vectors of dimension ${dimension}, not ${wanted}`,
      'Leave --dimension out, or check the file.',
      { place: { file: source.name } },
    )
  }
  const collection = await directory.create(name, makeConfig({ ...request.config, dimension }))
  try {
    return { ...(await load(collection, request, run, stream)), created: true }
  } catch (error) {
    await dropAgain(directory, name, error)
    throw withRemark(error, 'nothing was imported, the new collection is gone again')
  }
}

async function load<Imported extends ImportedCollection>(
  collection: Imported,
  { clock }: CollectionImportRequest,
  run: ImportRun,
  stream: PointStream,
): Promise<Omit<CollectionImportResult<Imported>, 'created'>> {
  const result = await run.into(collection, stream)
  const startedMs = clock.monotonicMs()
  await collection.checkpoint()
  return { ...result, collection, checkpointMs: clock.monotonicMs() - startedMs }
}

async function dropAgain(
  directory: Pick<ImportDirectory<never>, 'drop'>,
  name: string,
  error: unknown,
): Promise<void> {
  // after a failed fsync nothing is written, not even that the collection is gone
  if (isOperatingError(error, 'fsync-failed')) {
    throw withRemark(error, `the half-imported collection ${name} is left; drop it after the cause`)
  }
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

function refuseOtherSettings(
  collection: Pick<Collection, 'config'>,
  request: CollectionImportRequest,
): void {
  const { dimension, metric, index, durability } = collection.config
  const own = { dimension, metric, ...index, index: index.kind }
  const has: Record<string, unknown> = { ...own, ...durability, durability: durability.mode }
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

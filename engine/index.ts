/**
 * The engine's public surface: all its types, the kernel that both halves share, and the readers of texts.
 * What works on data is behind the second door, `operations.ts`. Of the folders above `base/` this one
 * loads a few small files only, so that a command is there at once: export types of the others, not values.
 */
export type { Availability } from './ann/hnswlib.ts'
export type { ArchiveGap, ArchiveOptions, ArchiveResult, Archiver } from './backup/archive.ts'
export type { BackupResult } from './backup/backup-result.ts'
export type { BackupOptions } from './backup/create.ts'
export type { GoldenComparison, GoldenMeasurement, GoldenRequest } from './backup/golden.ts'
export type { SnapshotList, SnapshotSummary } from './backup/list.ts'
export { type Moment, parseMoment, showMoment } from './backup/moment.ts'
export type { RecoveredMoment } from './backup/recovered-moment.ts'
export type { ChosenRestore, RestoreOptions, RestoreResult } from './backup/restore.ts'
export type { Location, RepositoryLocation } from './backup/sources.ts'
export type { VerifyDepth, VerifyOptions, VerifyResult } from './backup/verify.ts'
export { isCanonicalBytes } from './base/canonical-bytes.ts'
export {
  canonicalJson,
  isJsonObject,
  type JsonObject,
  type JsonValue,
} from './base/canonical-json.ts'
export { Sha256, sha256Hex } from './base/checksum.ts'
export { type Clock, systemClock } from './base/clock.ts'
export { type Disk, type DiskFile, nodeDisk, replaceFile, writeNewFile } from './base/disk.ts'
export {
  type ErrorCode,
  type ErrorPlace,
  errorCatalogue,
  exitCodes,
  fail,
  fromSerialised,
  isOperatingError,
  OperatingError,
  type SerialisedError,
} from './base/errors.ts'
export { defaults, GiB, KiB, limits, MiB } from './base/limits.ts'
export { checkName, nameProblem, reservedNames } from './base/name.ts'
export { markedProcesses, processStart } from './base/process-start.ts'
export { noProgress, type Progress, type ProgressEvent } from './base/progress.ts'
export { ProgressRate, type Rate } from './base/progress-rate.ts'
export { isForbidden, reachOf } from './base/reach.ts'
export { besideModule, serveThread, ThreadPool } from './base/thread-pool.ts'
export { systemTimer, type Timer } from './base/timer.ts'
export { version } from './base/version.ts'
export type { Collection } from './collection/collection.ts'
export type { CollectionDescription, CollectionStats } from './collection/collection-stats.ts'
export type { CompactionResult } from './collection/compactor.ts'
export type { DataDirectory } from './collection/data-directory.ts'
export type { DirectoryLock } from './collection/directory-lock.ts'
export type { DataDirectoryOptions } from './collection/directory-options.ts'
export type { Filter } from './collection/filter.ts'
export type { ReindexResult } from './collection/reindex.ts'
export type { Neighbour, SearchOptions } from './collection/search.ts'
export type { CopyResult } from './copies/copy.ts'
export type { Destination, UnfinishedPut } from './destination/destination.ts'
export { isShellPlace, parseRsyncUrl, shellPlaceHint, toRsyncUrl } from './destination/rsync-url.ts'
export { checkEndpoint, parseS3Url, toS3Url } from './destination/s3-url.ts'
export type { Throttle } from './destination/throttle.ts'
export type { CollectionConfig, IndexSettings, Metric } from './format/config.ts'
export type { Point, PointId, PointInput } from './format/point.ts'
export type { KeySource } from './repository/key-source.ts'
export type { LockPolicy } from './repository/lock-policy.ts'
export type { RepositoryKey } from './repository/repository-key.ts'
export type { Signature, SignatureCheck, Signer } from './repository/signing.ts'
export type { BackupMode, Golden, SnapshotManifest } from './repository/snapshot-manifest.ts'
export type { ForgetResult, ForgottenSnapshot } from './retention/forget.ts'
export type { KeepRules } from './retention/keep-rules.ts'
export type { PruneResult } from './retention/prune.ts'
export type { TruthResult } from './server/orchestration.ts'
export type { WireLocation } from './server/wire-location.ts'
export type { ByteSource } from './transfer/byte-source.ts'
export type {
  CollectionImportRequest,
  CollectionImportResult,
} from './transfer/import-collection.ts'
export type { InputFormat } from './transfer/input-format.ts'

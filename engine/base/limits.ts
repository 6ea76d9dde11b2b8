/**
 * Every bound of the engine, named, in one place. The planner has its own list in
 * `planner/plan/limits.ts`. A bound is there to keep a mistake or an attacker small; none of them is a
 * tuning knob.
 */
export const KiB = 1024
export const MiB = 1024 * KiB
export const GiB = 1024 * MiB

export const limits = {
  /** Values a vector may have. */
  dimension: 65_536,
  /** UTF-8 bytes of a string id. */
  idBytes: 1_024,
  /** UTF-8 bytes of one point's canonical metadata. */
  metadataBytes: 1 * MiB,
  /** Nesting of metadata and filters. */
  jsonDepth: 32,
  /** Characters of a collection name or snapshot id. */
  nameLength: 128,
  /** Collections in one data directory. */
  collections: 10_000,
  /** Bytes of one WAL record's payload: one operation, one batch. */
  walPayloadBytes: 64 * MiB,
  /** A WAL file is followed by a new one above this; a checkpoint starts a new one anyway. */
  walFileBytes: 64 * MiB,
  /** A log this long gets room ahead of its end: as much again, at most so much. */
  walRoomFromBytes: 256 * KiB,
  walRoomBytes: 4 * MiB,
  /** Log bytes that one fdatasync covers at most. */
  walGroupBytes: 32 * MiB,
  /** What a log keeps of memory to put a group together in. */
  walBufferBytes: 1 * MiB,
  /** Records between two fdatasyncs; the place of a record in its group has 24 bits. */
  walUnsyncedRecords: 8_000_000,
  /** Operations, and bytes of points, between two digest records. An archive is cut at them. */
  walDigestInterval: 1_024,
  walDigestBytes: 8 * MiB,
  /** Points in one upsert; larger imports are split. */
  batchPoints: 10_000,
  /** A memory segment seals at whichever comes first: points, bytes of vectors, of ids and metadata. */
  segmentPoints: 65_536,
  segmentVectorBytes: 256 * MiB,
  /** A backup seals the memory segment first when it holds at least this many points. */
  sealTailPoints: 1_000,
  /** Segments with fewer points carry no graph: scanning them is as fast. */
  graphPoints: 1_000,
  /** From so many points on a graph is built in two halves, side by side, which are joined. */
  halvedGraphPoints: 10_000,
  /** Segments of about one size that are merged, in the background, into one of the next size. */
  mergedAtOnce: 4,
  /** What a merge in the background may make: points, bytes of vectors. Above it only at somebody's request. */
  mergedPoints: 655_360,
  mergedVectorBytes: 1 * GiB,
  /** What any merge may make: bytes of vectors (4 GiB is the most that a Buffer holds), of a points file. */
  segmentVectorBytesMerged: 3 * GiB,
  mergedPointsBytes: 2 * GiB,
  /** Dead points, in percent, at which a segment is made anew. */
  decayedPercent: 25,
  /** Merging waits while segments wait to be sealed, unless there are as many sealed ones as this. */
  segmentsOverdue: 64,
  /** Frozen segments waiting to be sealed before writers wait. */
  pendingSeals: 4,
  /** Points in one segment file that a reader accepts. */
  segmentPointsRead: 16_777_216,
  segmentPayloadBytes: 256 * MiB,
  /** Manifests kept beside the live one. */
  manifestsKept: 3,
  /** JSON manifests, configs and catalogues: refused above this before parsing. */
  manifestBytes: 64 * MiB,
  /** A config that is imported. */
  configTextBytes: 64 * KiB,
  /** Restored files that wait for their fsync before writing waits for them. */
  unsyncedFiles: 32,
  /** Content-addressed pieces of the repository. */
  pieceBytes: 16 * MiB,
  /** An archived log file is closed at the next known digest once it has this size. */
  archiveFileBytes: 16 * MiB,
  /** An archived log file that a reader accepts. */
  archiveReadBytes: 256 * MiB,
  /** Log bytes that a collection keeps for archives and standbys that have not taken them yet; the most that a server may be told to. */
  archiveLogBytes: 1 * GiB,
  keptLogBytes: 16_384 * GiB,
  /** Archives that one collection ships to. */
  archivePositions: 100,
  /** Files one snapshot manifest may name. */
  snapshotFiles: 100_000,
  /** Tags of one snapshot. */
  snapshotTags: 32,
  /** Characters of the reason for a pin. */
  pinReasonLength: 500,
  /** Bytes of a pin, and of the record of a verification. */
  snapshotRecordBytes: 64 * KiB,
  /** Bytes and JSON values of one snapshot manifest: refused above these before parsing. */
  snapshotManifestBytes: 32 * MiB,
  snapshotManifestValues: 2_000_000,
  /** The longest lock on what is written: a hundred years. */
  lockMs: 36_525 * 86_400_000,
  /** Bytes of repository.json. */
  repositoryFileBytes: 64 * KiB,
  /** Keys that open one repository. */
  repositoryKeys: 32,
  /** Memory, or passes over memory, that deriving a key from a passphrase may ask for. */
  scryptBytes: 256 * MiB,
  /** Pieces in memory at once during a backup, verification or restore. */
  piecesInFlight: 4,
  /** Bytes of a lock of a repository. */
  repositoryLockBytes: 16 * KiB,
  /** How long a command waits for others to be done with a repository, and how often it looks. */
  repositoryLockWaitMs: 60_000,
  repositoryLockPollMs: 1_000,
  /** How long a restore waits for a prune before it goes on unprotected. */
  restoreLockWaitMs: 10_000,
  /** A holder renews its lock this often. */
  repositoryLockRenewMs: 30_000,
  /** One that was not renewed for this long is watched for so long; then its holder counts as gone. */
  repositoryLockStaleMs: 1_800_000,
  repositoryLockWatchMs: 120_000,
  /** Small requests to a destination (head, manifests) under way at once. */
  requestsInFlight: 16,
  /** Neighbours asked for at once, and the beam of a search. */
  searchK: 10_000,
  searchEf: 100_000,
  /** Searches in one request. */
  searchesAtOnce: 1_000,
  /** Characters of an answer that nobody understands that are shown. */
  shownAnswerChars: 200,
  /** Points in the golden sample of a snapshot. */
  goldenQueries: 10_000,
  /** Queries times neighbours of the sample. */
  goldenNeighbours: 400_000,
  /** A line of imported JSON. */
  importLineBytes: 16 * MiB,
  /** What is read at once from an imported file. */
  importChunkBytes: 1 * MiB,
  /** A batch of an import closes at this size, well below what one WAL record may hold. */
  importBatchBytes: 8 * MiB,
  /** An export writes at this many characters. */
  exportChunkChars: 256 * KiB,
  /** The text header of a .npy file. */
  npyHeaderBytes: 64 * KiB,
  /** HNSW parameters. */
  hnswM: 256,
  hnswEfConstruction: 4_096,
  hnswMaxLevel: 64,
  /** Lists of an IVF index. */
  ivfLists: 65_536,
  /** Nodes of one cluster. */
  clusterNodes: 16,
  /** Earlier histories that a collection remembers: a returning primary of one of them finds where it left. */
  replicaLineage: 100,
  /** Bytes of the replication state of a collection. */
  replicaFileBytes: 256 * KiB,
  /** Log bytes that one answer ships, unless a single record is larger. */
  shipBytes: 4 * MiB,
  /** And over a link on which answers do not arrive in time. A power of two part of the other. */
  shipLeastBytes: 4 * KiB,
  /** How long a primary holds a request for records when it has none. */
  shipWaitMs: 1_000,
  /** How long records for an asynchronous standby that keeps up come together: as much may be lost with a primary. */
  shipGatherMs: 25,
  /** A standby that was not heard of for this long is not there. */
  standbyGoneMs: 5_000,
  /** A standby that lacks records and did not have everything for this long is late: an alarm. */
  standbyLateMs: 10_000,
  /** A synchronous write that no standby has confirmed by then fails; it may be there all the same. */
  syncWaitMs: 10_000,
  /** A standby asks again after a failure: at first so soon, then twice as long each time up to the other. */
  followRetryMs: 100,
  followRetryMaxMs: 2_000,
  /** How long a look at all copies of a node waits for one that is not open. */
  copyLookMs: 2_000,
  /** A standby that could not take over the settings of its primary tries again, as growing. */
  settingsRetryMs: 10_000,
  settingsRetryMaxMs: 600_000,
  /** A primary that waits for a standby to take its base asks again this often. */
  joinWaitMs: 10_000,
  /** A base that nobody has asked for a piece of for this long is let go. */
  baseIdleMs: 60_000,
  /** The longest time that the durability `interval` may leave writes unsynced. */
  durabilityIntervalMs: 60_000,
  /** Body of a request to the server. Nothing else is answered while one is parsed and taken, some 13 ms for each MiB. */
  requestBodyBytes: 32 * MiB,
  /** Points are sent to a server in requests of at most about this. */
  upsertRequestBytes: 16 * MiB,
  /** Bodies of all requests that a server is reading or answering. */
  requestBodiesBytes: 256 * MiB,
  /** How deep values of a body stand in each other, and its objects, lists and texts. */
  requestDepth: 200,
  requestParts: 2_000_000,
  /** An answer of a server that is taken as a whole; a file of lost records is the largest. */
  wholeAnswerBytes: 256 * MiB,
  /** Headers of a request, and how long they and the whole request may take to arrive. */
  requestHeaderBytes: 16 * KiB,
  requestHeadersMs: 10_000,
  requestMs: 60_000,
  /** How long a connection may stand without a request, and how often that is looked at. */
  connectionIdleMs: 30_000,
  connectionCheckMs: 1_000,
  /** How long a server may say nothing to who waits for its answer: behind a half-open link nothing comes at all. */
  serverSilenceMs: 300_000,
  /** Connections to the server at once; further ones are closed. */
  connections: 1_024,
  /** Jobs of a server under way at once, and how many of each kind it remembers; warnings of one. */
  jobsRunning: 64,
  jobsKept: 200,
  jobWarnings: 100,
  /** Whoever watches a job hears of it no more often than this, and no less. */
  jobEventMs: 100,
  jobSilenceMs: 10_000,
  /** How long a server that is stopped waits for requests under way. */
  drainMs: 20_000,
} as const

/**
 * Defaults of a collection. Recall@10 measured on the words data: above 0.98 at ef 100, above 0.95 at 256
 * lists and nprobe 32.
 */
export const defaults = {
  metric: 'cosine',
  index: 'hnsw',
  m: 16,
  efConstruction: 200,
  ef: 100,
  lists: 256,
  nprobe: 32,
  durabilityIntervalMs: 1_000,
  k: 10,
  goldenSample: 64,
  importBatch: 1_000,
} as const

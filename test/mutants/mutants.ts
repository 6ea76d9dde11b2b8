/**
 * Ten bugs that somebody could write into the engine, each of which loses data or believes what it must
 * not believe, and the tests that are expected to find it.
 *
 * A mutant is exact text of one file and what stands there instead. When the code changes so that the
 * text is gone, the run fails and the mutant is written anew: a bug that cannot be planted proves nothing.
 */
export interface Mutant {
  readonly name: string
  /** What it does to whom. */
  readonly harm: string
  readonly file: string
  /** Every occurrence is replaced; there must be one. */
  readonly find: string
  readonly replace: string
  /** Files below test/ that are run against it. */
  readonly tests: readonly string[]
}

export const mutants: readonly Mutant[] = [
  {
    name: 'skip the fsync of the log',
    harm: 'a write is acknowledged that a power cut takes back',
    file: 'engine/wal/log-file.ts',
    find: 'await this.#file.writeDurably(bytes, this.#endBytes)',
    replace: 'await this.#file.write(bytes, this.#endBytes)',
    tests: ['engine/wal/wal-writer.test.ts'],
  },
  {
    name: 'swap fsync and rename of the manifest',
    harm: 'after a power cut the manifest has its name and not its bytes',
    file: 'engine/base/disk.ts',
    find: `    await handle.sync()
  } finally {
    await handle.close()
  }
  await disk.rename(temporary, file)`,
    replace: `    await disk.rename(temporary, file)
    await handle.sync()
  } finally {
    await handle.close()
  }`,
    tests: ['engine/base/disk.test.ts'],
  },
  {
    name: 'leave the directory unsynced after a rename',
    harm: 'a commit that was told to somebody is undone by a power cut',
    file: 'engine/base/disk.ts',
    find: `  await disk.rename(temporary, file)
  await disk.syncDirectory(path.dirname(file))`,
    replace: '  await disk.rename(temporary, file)',
    tests: ['fuzz/model.test.ts'],
  },
  {
    name: 'ignore the checksum of a record',
    harm: 'damaged points are replayed as if they had been written',
    file: 'engine/format/wal-record.ts',
    find: 'header.readUInt32LE(8) !== crc32(payload)',
    replace: 'payload.length !== length',
    tests: ['engine/wal/replay.test.ts', 'engine/format/wal-record.test.ts'],
  },
  {
    name: 'follow a bad length',
    harm: 'a damaged header says where the next record is, and acknowledged ones are passed over',
    file: 'engine/format/wal-record.ts',
    find: "if (checksum !== crc32(header.subarray(4))) return { problem: 'header' }",
    replace: '',
    tests: ['engine/format/wal-record.test.ts'],
  },
  {
    name: 'adopt an unchecked graph',
    harm: 'native code follows the links of a damaged graph out of its memory',
    file: 'engine/format/graph-check.ts',
    find: `  checkLevels(graph, check)
  checkLevel0(graph, check)
  checkUpper(graph, check)`,
    replace: '  void [checkLevels, checkLevel0, checkUpper, check]',
    tests: ['engine/format/graph-file.test.ts'],
  },
  {
    name: 'move the watermark before the fsync',
    harm: 'a torn tail is taken for the loss of an acknowledged write, and the collection does not open',
    file: 'engine/wal/wal-writer.ts',
    find: 'const writing = this.#write(bytes, commits)',
    replace: `await this.#options.onDurable(commits.at(-1)?.lsn ?? 0)
      const writing = this.#write(bytes, commits)`,
    tests: ['fuzz/model.test.ts'],
  },
  {
    name: 'forget deletions at a checkpoint',
    harm: 'deleted points are back after the next start',
    file: 'engine/collection/written-tombstones.ts',
    find: 'if (tombstones === undefined || tombstones.count === 0) return entry',
    replace: 'if (tombstones === undefined || tombstones.count >= 0) return entry',
    tests: ['engine/collection/collection.test.ts'],
  },
  {
    name: 'publish a snapshot before its objects are durable',
    harm: 'a power cut leaves a snapshot that is listed and lacks some of its bytes',
    file: 'engine/repository/repository.ts',
    find: `    await this.destination.flush()
    if (!(await this.writeValue(key, bytes, { ifAbsent: true }))) return undefined
`,
    replace: `    if (!(await this.writeValue(key, bytes, { ifAbsent: true }))) return undefined
`,
    tests: ['engine/backup/power-cut.test.ts'],
  },
  {
    name: 'restore without comparing the digest',
    harm: 'a restore that brought back something else says that it succeeded',
    file: 'engine/collection/staging.ts',
    find: 'if (expected === found) return',
    replace: "if (expected === found || what.startsWith('content digest')) return",
    tests: ['engine/backup/verify-content.test.ts'],
  },
]

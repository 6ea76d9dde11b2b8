/**
 * SQLite as somebody would use it who wants every point durable: the peer of the ingest benchmark.
 *
 * better-sqlite3 is installed by the benchmark into a temporary directory of its own, never into the
 * project. Where no prebuilt binary is to be had it is compiled, which takes a minute or three; the
 * directory is kept for the next run.
 */
import { execFileSync } from 'node:child_process'
import { mkdir, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const version = '12.11.1'

interface Database {
  pragma(text: string): unknown
  exec(text: string): unknown
  prepare(text: string): { run(...values: unknown[]): unknown; get(): unknown }
  close(): void
}
type DatabaseClass = new (file: string) => Database

/** A table of points, one transaction a point, each synced before `insert` returns. */
export interface PointsTable {
  insert(id: number, vector: Float32Array, metadata: string): void
  count(): number
  close(): void
}

/** Opens a new database file: WAL, synchronous=FULL. */
export async function openSqlite(file: string): Promise<PointsTable> {
  const Database = await install()
  const database = new Database(file)
  database.pragma('journal_mode = WAL')
  database.pragma('synchronous = FULL')
  database.exec('CREATE TABLE points (id INTEGER PRIMARY KEY, vector BLOB, metadata TEXT)')
  const insert = database.prepare('INSERT OR REPLACE INTO points VALUES (?, ?, ?)')
  return {
    insert: (id, vector, metadata) => {
      insert.run(id, Buffer.from(vector.buffer, vector.byteOffset, vector.byteLength), metadata)
    },
    count: () => {
      const row = database.prepare('SELECT count(*) AS count FROM points').get()
      return (row as { count: number }).count // the one column that is selected
    },
    close: () => database.close(),
  }
}

async function install(): Promise<DatabaseClass> {
  const directory = join(tmpdir(), `vectra-bench-better-sqlite3-${version}`)
  const load = () => createRequire(join(directory, 'package.json'))('better-sqlite3')
  try {
    return load() as DatabaseClass // better-sqlite3 exports its class
  } catch {
    console.log(`installing better-sqlite3 ${version} into ${directory} …`)
    await mkdir(directory, { recursive: true })
    await writeFile(join(directory, 'package.json'), '{"private":true}')
    const arguments_ = ['install', `better-sqlite3@${version}`, '--no-audit', '--no-fund']
    execFileSync('npm', arguments_, { cwd: directory, stdio: ['ignore', 'ignore', 'inherit'] })
    return load() as DatabaseClass // as above
  }
}

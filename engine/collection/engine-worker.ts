/**
 * The worker module of a data directory's threads: hashing, proving, splicing and scanning share one
 * pool, because starting a thread costs as much as a good part of a small restore.
 */
import { annTasks } from '../ann/ann-tasks.ts'
import { readRowsBlocking } from '../ann/row-source.ts'
import { hashTasks } from '../base/hash-tasks.ts'
import { serveThread } from '../base/thread-pool.ts'
import { type ProofTask, proveRange } from './prove-range.ts'

const prove = (task: ProofTask) => proveRange(task, readRowsBlocking)

serveThread({ ...annTasks, ...hashTasks, prove })

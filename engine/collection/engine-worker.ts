/**
 * The worker module of a data directory's threads: hashing, proving, splicing and scanning share one
 * pool, because starting a thread costs as much as a good part of a small restore.
 */
import { annTasks } from '../ann/ann-tasks.ts'
import { hashTasks } from '../base/hash-tasks.ts'
import { serveThread } from '../base/thread-pool.ts'
import { proveRange } from './prove-range.ts'

serveThread({ ...annTasks, ...hashTasks, prove: proveRange })

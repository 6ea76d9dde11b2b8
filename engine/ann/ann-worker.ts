/** The worker module of {@link AnnThreads}. */
import { serveThread } from '../base/thread-pool.ts'
import { annTasks } from './ann-tasks.ts'

serveThread(annTasks)

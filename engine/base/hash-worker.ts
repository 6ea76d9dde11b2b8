/** The worker module of hash threads that have a pool of their own. */
import { hashTasks } from './hash-tasks.ts'
import { serveThread } from './thread-pool.ts'

serveThread(hashTasks)

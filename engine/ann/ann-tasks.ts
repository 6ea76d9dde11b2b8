/** What a thread does for the index: building, splicing and scanning, by name, for serveThread. */
import { Transfer } from '../base/thread-pool.ts'
import type { BuildTask } from './build-graph.ts'
import type { ListsTask } from './build-lists.ts'
import { buildGraphBytes } from './build-task.ts'
import { buildListsBytes } from './lists-task.ts'
import type { SpliceTask } from './load-graph.ts'

import { type ScanTask, scanBlock } from './scan-task.ts'
import { writeSpliced } from './splice-task.ts'

export const annTasks = {
  build: async (task: BuildTask, progress: (value: unknown) => void) => {
    const bytes = await buildGraphBytes(task, progress)
    return new Transfer(bytes, bytes.buffer instanceof ArrayBuffer ? [bytes.buffer] : [])
  },
  lists: (task: ListsTask, progress: (value: unknown) => void) => {
    const bytes = buildListsBytes(task, progress)
    return new Transfer(bytes, [bytes.buffer])
  },
  splice: (task: SpliceTask) => writeSpliced(task),
  scan: (task: ScanTask) => scanBlock(task),
}

/** What a thread does for the index: building, splicing and scanning, by name, for serveThread. */
import { Transfer } from '../base/thread-pool.ts'
import type { ListsTask } from './build-lists.ts'
import { buildGraphBytes } from './build-task.ts'
import type { BuildTask, FinishTask, HalfTask, JoinTask } from './graph-build.ts'
import { buildHalf } from './half-task.ts'
import { finishJoin, joinLinks } from './join-task.ts'
import { buildListsBytes } from './lists-task.ts'
import type { SpliceTask } from './load-graph.ts'
import { type ScanTask, scanBlock } from './scan-task.ts'
import { writeSpliced } from './splice-task.ts'

const moved = (bytes: Uint8Array): Transfer =>
  new Transfer(bytes, bytes.buffer instanceof ArrayBuffer ? [bytes.buffer] : [])

export const annTasks = {
  build: async (task: BuildTask, progress: (value: unknown) => void) => {
    const bytes = await buildGraphBytes(task, progress)
    return moved(bytes)
  },
  'build-half': (task: HalfTask, progress: (value: unknown) => void) => buildHalf(task, progress),
  'join-links': (task: JoinTask) => joinLinks(task),
  'finish-join': (task: FinishTask) => moved(finishJoin(task)),
  lists: (task: ListsTask, progress: (value: unknown) => void) => {
    const bytes = buildListsBytes(task, progress)
    return new Transfer(bytes, [bytes.buffer])
  },
  splice: (task: SpliceTask) => writeSpliced(task),
  scan: (task: ScanTask) => scanBlock(task),
}

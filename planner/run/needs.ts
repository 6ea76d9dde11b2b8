/** Whether the targets can do what the steps need, asked before anything runs. */
import { fail } from '../../engine/index.ts'
import { stepsOf, type TaskTree } from '../compile/task.ts'
import type { RunTools } from './run-tools.ts'

/** @throws `not-offered` naming target and step, at the step's place */
export function checkNeeds(tree: TaskTree, tools: RunTools): void {
  for (const task of tree.stages.flatMap((stage) => stepsOf(stage.tasks))) {
    for (const { target, capabilities } of task.needs) {
      const adapter = tools.target(target)
      const missing = capabilities.filter((each) => !adapter.capabilities.has(each))
      if (missing.length === 0) continue
      fail(
        'not-offered',
        `step ${task.id} is not offered by this target: ${target} (${adapter.kind}) cannot ${missing.join(', ')}`,
        'Use another target for this step.',
        { place: { file: task.place.file, line: task.place.line, column: task.place.column } },
      )
    }
  }
}

/** A program and its arguments, as steps and channels name them. */
import assert from 'node:assert'
import type { PlanNode } from './plan-node.ts'
import type { Template } from './template.ts'

/** A first word that starts with `./` or `../` is a path that starts in `directory`. */
export function resolveCommand(list: PlanNode, directory: string): [Template, ...Template[]] {
  const [program, ...rest] = list.items()
  assert(program !== undefined, `${list.pointer} has no command`)
  const isPath = /^\.{1,2}\//.test(program.text())
  return [program.template(isPath ? directory : undefined), ...rest.map((item) => item.template())]
}

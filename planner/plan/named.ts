/** A section of a plan that names things → a frozen map of them, in the order of the file. */
import { frozenMap } from './frozen-map.ts'
import type { PlanNode } from './plan-node.ts'

/** Empty when the section is absent. */
export const named = <Value>(
  section: PlanNode | undefined,
  resolve: (name: string, node: PlanNode) => Value,
): ReadonlyMap<string, Value> =>
  frozenMap((section?.entries() ?? []).map(([name, node]) => [name, resolve(name, node)] as const))

/** Real drills of a plan, each held against a simulation that knows the others. */
import { nodeDisk } from '../../engine/index.ts'
import { readLedger } from '../../planner/ledger/ledger-reader.ts'
import { loadPlan } from '../../planner/plan/load-plan.ts'
import { stepRegistry } from '../../planner/step/registry.ts'
import { modelOf } from '../../planner/tabletop/model.ts'
import { type Quantiles, simulate } from '../../planner/tabletop/simulate.ts'
import { dr } from './dr-command.ts'

export interface HeldDrill {
  /** What the drill measured. */
  readonly rtoMs: number
  /** What was simulated for the procedure from the other drills. */
  readonly simulated: Quantiles
}

/** @param file of a plan with one drill, one procedure and one scenario, and no ledger yet */
export async function heldDrills(
  file: string,
  ledger: string,
  count: number,
  env: Record<string, string> = {},
): Promise<readonly HeldDrill[]> {
  const measured: { readonly run: string; readonly rtoMs: number }[] = []
  for (let drill = 0; drill < count; drill++) {
    const { exitCode, objects, stderr } = await dr(['drill', file, '--yes', '--json'], { env })
    if (exitCode !== 0) throw new Error(stderr)
    // the summary of this command
    const { run, audit } = objects().at(-1) as { run: string; audit: { verdicts: Verdict[] } }
    const rto = audit.verdicts.find(({ objective }) => objective === 'rto')
    if (rto === undefined) throw new Error('the drill proves no RTO')
    measured.push({ run, rtoMs: rto.actual })
  }
  const plan = await loadPlan(file, { disk: nodeDisk, env })
  const { entries } = await readLedger(nodeDisk, ledger)
  const [scenario] = plan.scenarios.values()
  const [procedure] = plan.procedures.values()
  if (scenario === undefined || procedure === undefined) throw new Error('there is no story')
  return measured.map(({ run, rtoMs }) => {
    const others = entries.filter((entry) => entry.run !== run)
    const request = { plan, scenario, procedure, entries: others, registry: stepRegistry }
    const { rto } = simulate(modelOf({ ...request, without: [], dataSize: 1 }), 2_000, 7)
    return { rtoMs, simulated: rto }
  })
}

interface Verdict {
  readonly objective: string
  readonly actual: number
}

/** Whether it lies between p5 and p95. */
export const isWithin = ({ rtoMs, simulated: { p5Ms, p95Ms } }: HeldDrill): boolean =>
  p5Ms !== null && p95Ms !== null && rtoMs >= p5Ms && rtoMs <= p95Ms

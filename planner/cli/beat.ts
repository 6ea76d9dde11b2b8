/** The heartbeat of a schedule or drill, after a run of it has passed. */
import type { Drill, Plan, Schedule } from '../plan/plan.ts'
import { resolveTemplate } from '../plan/template.ts'
import type { Context } from './context.ts'

/** Says what went wrong with it; a run that passed stays one. */
export async function beat(
  context: Context,
  plan: Plan,
  sequence: Schedule | Drill,
  run: string,
  dueAt: number,
): Promise<void> {
  if (sequence.heartbeat === undefined) return
  const problem = await send(context, plan, sequence, run, dueAt)
  if (problem === undefined) return
  const { kind, name } = sequence
  await context.warn(`${kind} ${name} passed, but its heartbeat did not get through: ${problem}`)
}

async function send(
  { io }: Context,
  plan: Plan,
  { heartbeat, timezone }: Schedule | Drill,
  run: string,
  dueAt: number,
): Promise<string | undefined> {
  if (heartbeat === undefined) return undefined
  const domains = new Map([...plan.targets].map(([name, target]) => [name, target.domains]))
  let address: string
  try {
    const filled = { env: io.env, dueAt, timezone, run, outputs: new Map(), domains }
    address = resolveTemplate(heartbeat, filled).value
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
  const { sendHeartbeat } = await import('../schedule/heartbeat.ts')
  return sendHeartbeat(address, io.timer)
}

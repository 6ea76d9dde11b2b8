/**
 * The heartbeat of a schedule or drill, after a run of it has passed: a request to a watcher that raises
 * the alarm when it stays away. Bounded in time, and what goes wrong with it is told and changes nothing.
 */

import { sendRequest } from '../../engine/outside.ts'
import type { Drill, Plan, Schedule } from '../plan/plan.ts'
import { resolveTemplate, type Template } from '../plan/template.ts'
import { toWebAddress } from '../web/web-address.ts'
import type { Context } from './context.ts'

export async function beat(
  context: Context,
  plan: Plan,
  sequence: Schedule | Drill,
  run: string,
  dueAt: number,
): Promise<void> {
  const { kind, name, timezone, heartbeat } = sequence
  if (heartbeat === undefined) return
  const domains = new Map([...plan.targets].map(([key, target]) => [key, target.domains]))
  const known = { env: context.io.env, dueAt, timezone, run, outputs: new Map(), domains }
  try {
    const status = await send(context, heartbeat, resolveTemplate(heartbeat, known).value)
    if (status >= 200 && status < 300) return
    await context.warn(`${unheard(kind, name)}: it was answered with status ${status}`)
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    await context.warn(`${unheard(kind, name)}: ${why}`)
  }
}

async function send({ io }: Context, heartbeat: Template, url: string): Promise<number> {
  // a variable or a name that leads into the private network is refused: the plan cannot allow it here
  const address = toWebAddress(heartbeat, url, false)
  const world = { timer: io.timer, signal: io.stopSignal }
  return (await sendRequest({ address, method: 'GET' }, world)).status
}

const unheard = (kind: string, name: string): string =>
  `${kind} ${name} passed, but its heartbeat did not get through`

/** Loading a plan for a command that touches nothing: variables of the environment that are not set have stand-ins. */
import type { Plan } from '../plan/plan.ts'
import type { Environment } from '../plan/template.ts'
import type { Context } from './context.ts'
import { openPlan } from './open-plan.ts'

export interface StoodIn {
  readonly plan: Plan
  /** With the stand-ins, for reading the plan again. */
  readonly env: Environment
  /** Variables that have one. */
  readonly standIns: readonly string[]
}

/**
 * @param given what is set
 * @throws as `openPlan` for what is wrong with the plan whatever its variables hold
 */
export async function openWithStandIns(
  context: Context,
  file: string,
  given: Environment,
): Promise<StoodIn> {
  const { io } = context
  const [{ readPlanFile }, { checkPlanBytes }, { StandIns }] = await Promise.all([
    import('../plan/read-plan.ts'),
    import('../plan/load-plan.ts'),
    import('../runbook/variables.ts'),
  ])
  const bytes = await readPlanFile(io.disk, file)
  const all = new StandIns(bytes.toString('utf8'), given)
  for (;;) {
    const env = all.environment()
    const check = await checkPlanBytes(file, bytes, env)
    if (check.kind === 'valid') {
      const { plan } = check
      // a name in a comment is none
      const used = new Set(plan.secrets.map(({ name }) => name))
      return { plan, env, standIns: all.names.filter((name) => used.has(name)) }
    }
    const isLeft = all.refuse(check.errors.map(({ line }) => line))
    // shows what is wrong with it
    if (!isLeft)
      return {
        plan: await openPlan({ ...context, io: { ...io, env } }, file),
        env,
        standIns: all.names,
      }
  }
}

/**
 * The same for a rehearsal, which reads the plan's ledger and may write to it: where that stands is never made up.
 * @throws `plan-invalid` for a variable of the ledger that is not set
 */
export async function openRehearsed(context: Context, file: string): Promise<StoodIn> {
  const { io } = context
  const stoodIn = await openWithStandIns(context, file, io.env)
  const { plan, env, standIns } = stoodIn
  const { path, signingKeyFile = '', anchor } = plan.ledger
  const madeUp = plan.secrets.filter(({ name }) => standIns.includes(name))
  const holding = (text: string) =>
    madeUp
      .map((secret) => ({ secret, value: secret.reveal() }))
      .filter(({ value }) => text.includes(value) || text.includes(encodeURIComponent(value)))
      .map(({ secret }) => secret)
  const needed = holding(`${path} ${signingKeyFile}`)
  if (needed.length === 0) {
    const url = plan.destinations.get(anchor ?? '')?.url ?? ''
    if (holding(url).length === 0) return stoodIn
    // what a rehearsal writes is anchored by the next run
    const { anchor: _, ...ledger } = plan.ledger
    return { ...stoodIn, plan: { ...plan, ledger } }
  }
  const missing = Object.fromEntries(needed.map(({ name }) => [name, undefined]))
  // shows them
  const opened = await openPlan({ ...context, io: { ...io, env: { ...env, ...missing } } }, file)
  return { ...stoodIn, plan: opened }
}

/** What is said of them; nothing where there are none. */
export const standInText = (standIns: readonly string[]): readonly string[] =>
  standIns.length === 0
    ? []
    : [
        `variables that are not set are stood in for, and nothing asks for their values: ${standIns.join(', ')}`,
      ]

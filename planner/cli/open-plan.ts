/** Loading a plan for a command: every error is shown with its line before the command ends. */
import { isOperatingError } from '../../engine/index.ts'
import type { Plan } from '../plan/plan.ts'
import type { Context } from './context.ts'

/** @throws `plan-invalid`, `plan-too-large`, `plan-not-found` */
export async function openPlan(context: Context, file: string): Promise<Plan> {
  const { io } = context
  const { beginPlan } = await import('../plan/begin-plan.ts')
  // what is left of reading a plan is loaded while the parser's thread works
  const [begun, { loadBegun }] = await Promise.all([
    beginPlan(file, io.disk),
    import('../plan/load-plan.ts'),
  ])
  try {
    return await loadBegun(file, begun, io.env)
  } catch (error) {
    await showPlanErrors(context, error)
    throw error
  }
}

/** Each with its line, on standard error; with `--json` they are in the last object already. Nothing for other errors. */
export async function showPlanErrors({ io, json }: Context, error: unknown): Promise<void> {
  if (json || !isOperatingError(error, 'plan-invalid', 'plan-too-large')) return
  if (error.details.length === 0) return
  const { formatPlanErrors } = await import('../plan/plan-error.ts')
  // loadPlan documents that the details of these two errors are PlanErrors
  const errors = error.details as Parameters<typeof formatPlanErrors>[0]
  await io.stderr.write(`${formatPlanErrors(errors)}\n\n`)
}

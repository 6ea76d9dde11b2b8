/** Loading a plan for a command: every error is shown with its line before the command ends. */
import { isOperatingError } from '../../engine/index.ts'
import type { Plan } from '../plan/plan.ts'
import type { Context } from './context.ts'

/** @throws `plan-invalid`, `plan-too-large`, `plan-not-found` */
export async function openPlan(context: Context, file: string): Promise<Plan> {
  const { io } = context
  const { loadPlan } = await import('../plan/load-plan.ts')
  try {
    return await loadPlan(file, { disk: io.disk, env: io.env })
  } catch (error) {
    if (isOperatingError(error, 'plan-invalid', 'plan-too-large') && error.details.length > 0) {
      await showPlanErrors(context, error.details)
    }
    throw error
  }
}

/** On standard error; with `--json` they are in the last object already. */
async function showPlanErrors({ io, json }: Context, details: readonly unknown[]): Promise<void> {
  if (json) return
  const { formatPlanErrors } = await import('../plan/plan-error.ts')
  // loadPlan documents that the details of these two errors are PlanErrors
  const errors = details as Parameters<typeof formatPlanErrors>[0]
  await io.stderr.write(`${formatPlanErrors(errors)}\n\n`)
}

/** How long the steps of a tree take one after the other, and how that is known. Pure. */
import { type StepTask, stepsOf, type Task, type TaskTree } from '../compile/task.ts'
import { showCount, showDuration } from '../step/quantity.ts'

/**
 * `Takes about 30 s (measured: median of 3 runs in the ledger); done about 6 min 30 s after the start.`
 * @param endsMs after the start; absent where the step comes at a time that nobody knows
 */
export function timeText({ estimate }: StepTask, endsMs: number | undefined): string {
  const takes = `Takes about ${showDuration(estimate.durationMs)} (${basisText(estimate)})`
  return endsMs === undefined
    ? `${takes}.`
    : `${takes}; done about ${showDuration(endsMs)} after the start.`
}

const basisText = ({ origin, basis }: StepTask['estimate']): string =>
  origin === 'measured'
    ? `measured: ${basis}`
    : origin === 'plan'
      ? `the plan says so: ${basis}`
      : basis

/** The steps together, and what of that is known. */
export function totalText(tree: TaskTree): string {
  const all = ownSteps(tree).flatMap((task) => stepsOf([task]))
  const count = (wanted: StepTask['estimate']['origin']): number =>
    all.filter(({ estimate }) => estimate.origin === wanted).length
  const total = showDuration(endsOf(ownSteps(tree)).at(-1) ?? 0)
  return `About ${total} from the start, answers of people included. Of its ${showCount(all.length, 'step')}: measured ${count('measured')}, by the plan's word ${count('plan')}, guessed ${count('default')}.`
}

/** Those between the checks before and the clean-up. */
export const ownSteps = ({ stages }: TaskTree): readonly Task[] =>
  stages.find(({ name }) => name === 'steps')?.tasks ?? []

/** Milliseconds from the start to the end of each; those that stand side by side end with the longest. */
export function endsOf(tasks: readonly Task[]): number[] {
  let atMs = 0
  return tasks.map((task) => {
    atMs += Math.max(0, ...stepsOf([task]).map(({ estimate }) => estimate.durationMs))
    return atMs
  })
}

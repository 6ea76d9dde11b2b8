/**
 * `explain`: the task tree as text, a dry run on paper. Every task with its place in the plan, the
 * commands a person would type instead, how long it should take and how that is known, and what it
 * touches. Pure, and the same for the same tree.
 */
import * as path from 'node:path'
import { showDuration } from '../step/quantity.ts'
import { shellLine } from './shell-words.ts'
import { type Stage, type StepTask, stepsOf, type Task, type TaskTree } from './task.ts'

const stageTitles: Readonly<Record<Stage['name'], string>> = {
  'steady-before': 'before, or the drill is void',
  steps: 'steps',
  'steady-after': 'after, as before',
  always: 'always, also after a failure',
}

/** Lines without line ends. */
export function explain(tree: TaskTree): string[] {
  const { plan, sequence } = tree
  const lines = [
    `${sequence.kind} ${sequence.name} of plan ${plan.name} (${plan.file})`,
    ...(tree.description === undefined ? [] : [tree.description]),
    '',
    ...facts(tree).map((fact) => `- ${fact}`),
  ]
  for (const stage of tree.stages) {
    lines.push('', `${stageTitles[stage.name]}:`)
    stage.tasks.forEach((task, index) => {
      lines.push(...taskLines(task, String(index + 1)))
    })
  }
  return lines
}

function facts(tree: TaskTree): string[] {
  const all = tree.stages.flatMap((stage) => stepsOf(stage.tasks))
  const guessed = all.filter((task) => task.estimate.origin !== 'measured').length
  const totalMs = tree.stages.reduce((sum, stage) => sum + lengthOf(stage.tasks), 0)
  const basis =
    guessed === 0
      ? 'every step was measured'
      : `${guessed} of ${all.length} steps ${guessed === 1 ? 'was' : 'were'} never measured`
  return [
    `about ${showDuration(totalMs)} in all; ${basis}`,
    ...(tree.timeoutMs === undefined ? [] : [`stopped after ${showDuration(tree.timeoutMs)}`]),
    ...(tree.proves.length === 0 ? [] : [`a pass is evidence for ${tree.proves.join(', ')}`]),
    ...(tree.confirm ? ['asks before it runs, because it touches production data'] : []),
    `commands are typed in ${shownDirectory(tree)}; nothing is run by this`,
  ]
}

/** The plan's directory as the plan file was written. */
const shownDirectory = ({ plan }: TaskTree): string => path.dirname(plan.file)

/** Parallel tasks take as long as the longest of them. */
const lengthOf = (tasks: readonly Task[]): number =>
  tasks.reduce(
    (sum, task) =>
      sum +
      (task.kind === 'step'
        ? task.estimate.durationMs
        : Math.max(0, ...task.tasks.map((each) => each.estimate.durationMs))),
    0,
  )

function taskLines(task: Task, number: string): string[] {
  if (task.kind === 'step') return stepLines(task, number)
  return [
    `  ${number}. side by side${placeOf(task)}`,
    ...task.tasks.flatMap((each, index) => indent(stepLines(each, `${number}.${index + 1}`))),
  ]
}

function stepLines(task: StepTask, number: string): string[] {
  const { estimate } = task
  const inner = [
    ...task.description.commands.map((command) => `$ ${shellLine(command)}`),
    `takes about ${showDuration(estimate.durationMs)} (${estimate.origin}: ${estimate.basis})`,
    ...policy(task),
    ...conditions(task),
    ...task.touches.map(({ access, what, name }) => `${access} ${what} ${name}`),
  ]
  return [
    `  ${number}. ${task.id}: ${task.description.sentence}${placeOf(task)}`,
    ...inner.map((line) => `       ${line}`),
  ]
}

const placeOf = ({ place }: Task): string => `  [${path.basename(place.file)}:${place.line}]`

function policy({ timeoutMs, retry, onFailure, undo }: StepTask): string[] {
  const parts = [
    ...(timeoutMs === undefined ? [] : [`at most ${showDuration(timeoutMs)}`]),
    ...(retry === undefined || retry.attempts < 2
      ? []
      : [`up to ${retry.attempts} tries, first pause ${showDuration(retry.backoffMs)}`]),
    ...(onFailure === 'stop' ? [] : [`on failure: ${onFailure}`]),
    ...(undo === undefined ? [] : ['can be undone']),
  ]
  return parts.length === 0 ? [] : [parts.join('; ')]
}

/** When it runs at all, and what the plan says of its success. */
function conditions({ when, confirm, odds }: StepTask): string[] {
  const parts = [
    ...(when === 'failure' ? ['only once something failed'] : []),
    ...(when === 'success' ? ['only as long as nothing failed'] : []),
    ...(confirm ? ['asks before the run starts'] : []),
    ...(odds === undefined ? [] : [`succeeds in ${Number((odds * 100).toFixed(2))} % of cases`]),
  ]
  return parts.length === 0 ? [] : [parts.join('; ')]
}

const indent = (lines: readonly string[]): string[] => lines.map((line) => `  ${line}`)

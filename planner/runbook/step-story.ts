/** The steps of a tree, each as a heading, its commands, what to expect, how long, and what if not. Pure. */
import { type StepTask, stepsOf, type TaskTree } from '../compile/task.ts'
import type { Plan } from '../plan/plan.ts'
import type { Block } from '../report/block.ts'
import { sentence } from '../report/cells.ts'
import { showDuration } from '../step/quantity.ts'
import { capabilitiesOf } from '../target/capabilities.ts'
import { endsOf, timeText } from './budget.ts'
import { holdersText } from './people-story.ts'
import { shellLineOf, spoken } from './shell-text.ts'
import { outputLines } from './variable-story.ts'

/** Steps and clean-up, numbered; side by side as 3.1, 3.2. */
export const stageBlocks = (tree: TaskTree): Block[] =>
  tree.stages.flatMap(({ name, tasks }) => {
    const ends = endsOf(tasks)
    const isAfter = name === 'always'
    const blocks = tasks.flatMap((task, index) => {
      const number = `${isAfter ? 'E' : ''}${index + 1}`
      if (task.kind === 'step')
        return stepBlocks(task, number, isAfter ? undefined : ends[index], tree.plan)
      return [
        {
          isStep: true,
          kind: 'heading',
          text: `${number}. Side by side: begin all of these, then wait for them`,
        } as const,
        ...task.tasks.flatMap((each, inner) =>
          stepBlocks(each, `${number}.${inner + 1}`, isAfter ? undefined : ends[index], tree.plan),
        ),
      ]
    })
    return isAfter ? [sentence('At the end, also after a failure:'), ...blocks] : blocks
  })

function stepBlocks(
  task: StepTask,
  number: string,
  endsMs: number | undefined,
  plan: Plan,
): Block[] {
  const { description, touches } = task
  const people = touches
    .filter(({ what }) => what === 'role')
    .map(({ name }) => holdersText(plan, name))
  const rules = ruleTexts(task)
  return [
    { kind: 'heading', isStep: true, text: `${number}. ${spoken(description.sentence, plan)}` },
    ...people.map((who) => sentence(`Who: ${who}.`)),
    ...commandBlocks(task, plan),
    sentence(`Expected: ${spoken(description.expected, plan)}.`),
    ...(rules.length === 0 ? [] : [sentence(`${rules.join('. ')}.`)]),
    { kind: 'paragraph', text: timeText(task, endsMs), isMeasured: true },
  ]
}

function commandBlocks(task: StepTask, plan: Plan): Block[] {
  const { commands } = task.description
  if (!isOffered(task, plan)) {
    const targets = [...new Set(task.needs.map(({ target }) => target))].join(', ')
    return [
      sentence(`This version has no command for it: do it with the means of ${targets} itself.`),
    ]
  }
  if (commands.length === 0) return []
  const lines = commands.flatMap((words) => [...outputLines(words, plan), shellLineOf(words, plan)])
  return [{ kind: 'commands', lines }]
}

/** Whether this version can do what the step needs of its targets. */
export const isOffered = ({ needs }: StepTask, plan: Plan): boolean =>
  needs.every(({ target, capabilities }) => {
    const found = plan.targets.get(target)
    const offered = found === undefined ? new Set<string>() : capabilitiesOf(found)
    return capabilities.every((each) => offered.has(each))
  })

function ruleTexts({ timeoutMs, retry, onFailure, when, confirm, stepKind }: StepTask): string[] {
  const last = {
    stop: 'stop here, and decide',
    continue: 'go on with the next step',
    undo: 'stop, and take back what was done (How to go back)',
  }[onFailure]
  return [
    ...(when === 'failure' ? ['Only once something failed'] : []),
    ...(when === 'success' ? ['Only as long as nothing failed'] : []),
    ...(confirm ? ['Touches production data: somebody says yes first'] : []),
    ...(timeoutMs === undefined
      ? []
      : [
          stepKind === 'approve'
            ? `No answer within ${showDuration(timeoutMs)} is a no`
            : `At most ${showDuration(timeoutMs)}`,
        ]),
    ...(retry === undefined || retry.attempts < 2
      ? []
      : [`Up to ${retry.attempts} tries, the first pause ${showDuration(retry.backoffMs)}`]),
    ...(when === 'failure' ? [] : [`If it fails: ${last}`]),
  ]
}

/** All of a tree, in order. */
export const stepsIn = ({ stages }: TaskTree): StepTask[] =>
  stages.flatMap(({ tasks }) => stepsOf(tasks))

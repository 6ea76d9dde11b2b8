/** Lines that set what the commands of a procedure need: what is known by itself, and what a person fills in. Pure. */
import type { TaskTree } from '../compile/task.ts'
import { stepsOf } from '../compile/task.ts'
import type { Plan, Procedure } from '../plan/plan.ts'
import { type ShellVariable, shellLineOf, variablesOf } from './shell-text.ts'

/** What a person has to replace; no command takes it for a value by mistake. */
const toFill = (what: string): string => `FILL IN: ${what}`

/** Set before the first step. Variables of the environment and outputs of steps are not among them. */
export function settingLines(plan: Plan, { ask, timezone }: Procedure, tree: TaskTree): string[] {
  const used = tree.stages
    .flatMap((stage) => stepsOf(stage.tasks))
    .flatMap(({ description }) => description.commands.flatMap((words) => variablesOf(words, plan)))
  const distinct = new Map(used.map((each) => [each.name, each]))
  return [...distinct.values()].flatMap(({ name, meaning }): string[] => {
    if (meaning === 'run') return [`export ${name}="by-hand-$(date -u +%Y%m%d-%H%M%S)"`]
    if (meaning === 'date') return [`export ${name}="$(TZ=${timezone} date +%Y%m%d)"`]
    if (meaning === 'time') return [`export ${name}="$(TZ=${timezone} date +%H%M%S)"`]
    if (meaning === 'run.error') return [exported(name, toFill('what failed'), plan)]
    if (!meaning.startsWith('ask.')) return []
    const question = ask.get(meaning.slice('ask.'.length))
    return [exported(name, toFill(question?.question ?? name), plan)]
  })
}

/** Set before one command: what an earlier step printed. */
export const outputLines = (words: readonly string[], plan: Plan): string[] =>
  variablesOf(words, plan)
    .filter(({ meaning }) => meaning.startsWith('steps.'))
    .map(({ name, meaning }) => {
      const [, step = '', output = ''] = meaning.split('.')
      return exported(name, toFill(`${output} of step ${step}`), plan)
    })

/** Variables of the environment that commands need, by name. */
export const environmentOf = (commands: readonly (readonly string[])[], plan: Plan): string[] => {
  const used = commands.flatMap((words): ShellVariable[] => variablesOf(words, plan))
  const names = used.filter(({ meaning }) => meaning.startsWith('env.')).map(({ name }) => name)
  return [...new Set(names)].sort()
}

const exported = (name: string, value: string, plan: Plan): string =>
  `export ${name}=${shellLineOf([value], plan)}`

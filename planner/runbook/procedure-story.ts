/**
 * One procedure as a section of the runbook: when, who decides, one command for all of it, then every
 * step by hand, how to tell that it worked, how to go back, what the ledger says. Pure.
 */
import * as path from 'node:path'
import { stepsOf, type TaskTree } from '../compile/task.ts'
import type { Plan, Procedure } from '../plan/plan.ts'
import type { Block, Section } from '../report/block.ts'
import { sentence } from '../report/cells.ts'
import { showDuration } from '../step/quantity.ts'
import { ownSteps, totalText } from './budget.ts'
import { drillTexts, type Found, lastRunText } from './found.ts'
import { decidesText } from './people-story.ts'
import { spoken } from './shell-text.ts'
import { isOffered, stageBlocks, stepsIn } from './step-story.ts'
import { settingLines } from './variable-story.ts'

/** @param tree of the procedure, its estimates from the ledger */
export function procedureSection(
  plan: Plan,
  procedure: Procedure,
  tree: TaskTree,
  found: Found,
): Section {
  const brought = broughtBack(procedure)
  return {
    heading: `Procedure ${procedure.name}`,
    blocks: [
      ...(procedure.description === undefined ? [] : [sentence(procedure.description)]),
      {
        kind: 'list',
        items: [
          `When: ${whenText(plan, procedure)}`,
          `Who decides: ${decidesText(plan, tree)}`,
          ...objectiveTexts(plan, brought),
          ...(procedure.timeoutMs === undefined
            ? []
            : [`Given up after ${showDuration(procedure.timeoutMs)}`]),
        ],
      },
      { kind: 'paragraph', text: totalText(tree), isMeasured: true },
      ...machineBlocks(plan, procedure, tree),
      { kind: 'heading', text: 'By hand' },
      ...settingBlocks(plan, procedure, tree),
      ...stageBlocks(tree),
      { kind: 'heading', text: 'How to tell that it worked' },
      { kind: 'list', items: proofTexts(plan, tree) },
      { kind: 'heading', text: 'How to go back' },
      { kind: 'list', items: backTexts(plan, procedure, tree) },
      { kind: 'heading', text: 'What the last runs found' },
      {
        kind: 'list',
        items: [
          lastRunText(procedure, found),
          ...(brought.length === 0 ? [] : drillTexts(brought, found)),
        ],
        isMeasured: true,
      },
    ],
  }
}

/** Losses that it helps against, and the stories that call for it. */
export function whenText({ scenarios }: Plan, { name, for: losses }: Procedure): string {
  const stories = [...scenarios.values()].filter(({ recover }) => recover === name)
  const told = stories.map((each) => each.description ?? each.name)
  const lost = losses.length === 0 ? 'the plan does not say' : losses.join(', ')
  return [lost, ...told].join('. ')
}

/** Collections that it brings back. */
const broughtBack = ({ steps }: Procedure): string[] => {
  const names = steps
    .flatMap((step) => (step.kind === 'parallel' ? step.steps : [step]))
    .flatMap((step) => {
      if (step.kind === 'restore') return [step.input.collection]
      return step.kind === 'promote' ? step.input.collections : []
    })
  return [...new Set(names)]
}

function objectiveTexts({ collections }: Plan, names: readonly string[]): string[] {
  return names.flatMap((name) => {
    const { rpoMs, rtoMs, recall } = collections.get(name)?.objectives ?? {}
    const wanted = [
      ...(rtoMs === undefined ? [] : [`serve again within ${showDuration(rtoMs)}`]),
      ...(rpoMs === undefined ? [] : [`lose at most ${showDuration(rpoMs)} of writes`]),
      ...(recall === undefined ? [] : [`find at least ${recall * 100} % of the true neighbours`]),
    ]
    return wanted.length === 0 ? [] : [`${name} has to ${wanted.join(', ')}`]
  })
}

function machineBlocks(plan: Plan, procedure: Procedure, tree: TaskTree): Block[] {
  const heading: Block = { kind: 'heading', text: 'With one command' }
  const missing = stepsIn(tree).filter((task) => !isOffered(task, plan))
  if (missing.length > 0) {
    const names = missing.map(({ id }) => id).join(', ')
    return [
      heading,
      sentence(
        `This version cannot run it: of its targets it cannot ask what ${names} need. Go by hand.`,
      ),
    ]
  }
  const asks = [
    ...(procedure.ask.size === 0 ? [] : ['its questions']),
    ...(stepsIn(tree).some(({ confirm }) => confirm)
      ? ['for a yes before it touches production data']
      : []),
  ]
  return [
    heading,
    sentence(
      `It asks ${asks.length === 0 ? 'what its steps ask' : asks.join(', then ')}, does every step below, measures, and writes the evidence down. Add --since with the instant at which the disaster began. When it was interrupted, vectra-dr resume goes on.`,
    ),
    {
      kind: 'commands',
      lines: [`vectra-dr recover ${path.basename(plan.file)} ${procedure.name}`],
    },
    sentence(
      'Expected: the outcome passed and exit code 0. Exit code 15: a step failed, and what can be undone is undone where the plan says so; 11: another process works on the same state; 12: something does not answer; 13: damage, named.',
    ),
  ]
}

function settingBlocks(plan: Plan, procedure: Procedure, tree: TaskTree): Block[] {
  const lines = settingLines(plan, procedure, tree)
  if (lines.length === 0) return []
  const questions = [...procedure.ask.values()].map(({ question }) => question)
  return [
    sentence(
      `First, in the shell that the rest is typed in.${questions.map((each) => ` ${each}`).join('')}`,
    ),
    { kind: 'commands', lines },
  ]
}

function proofTexts(plan: Plan, tree: TaskTree): string[] {
  const proving = ownSteps(tree)
    .flatMap((task) => stepsOf([task]))
    .filter(({ stepKind }) => ['check', 'probe', 'reconcile'].includes(stepKind))
    .map(({ id, description }) => `${id}: ${spoken(description.expected, plan)}`)
  return [
    ...proving,
    'questions whose answers you know get these answers, asked the way applications ask',
    'points that were written last are there, or you know which are not: say so to whoever wrote them',
  ]
}

function backTexts(plan: Plan, { for: losses }: Procedure, tree: TaskTree): string[] {
  const steps = ownSteps(tree).flatMap((task) => stepsOf([task]))
  const undone = steps.filter(({ undo }) => undo !== undefined).map(({ id }) => id)
  const returns = [...plan.procedures.values()].filter((other) =>
    other.for.some((each) => losses.some((loss) => each === `${loss}-restored`)),
  )
  const texts = [
    ...steps.flatMap(({ id, description }) =>
      description.back === undefined ? [] : [`${id}: ${spoken(description.back, plan)}`],
    ),
    ...(undone.length === 0 || !steps.some(({ onFailure }) => onFailure === 'undo')
      ? []
      : [`vectra-dr recover takes back ${undone.join(', ')} by itself when a later step fails`]),
    ...returns.map(({ name }) => `once what was lost is well again: procedure ${name}`),
  ]
  return texts.length === 0 ? ['nothing here has to be taken back'] : texts
}

/** Whether drills run often enough, and leave nothing behind. */
import type { Drill, TaskStep } from '../plan/plan.ts'
import { tasksOf } from '../plan/plan.ts'
import { showDuration } from '../step/quantity.ts'
import { type Facts, passedRuns, tasksOfKind } from './facts.ts'
import type { Rule } from './finding.ts'
import { exceeds, listed, pauseLines, rhythmText, shortIso } from './words.ts'

const proving = ({ plan }: Facts): Drill[] =>
  [...plan.drills.values()].filter(({ proves }) => proves.length > 0)

/** What a drill makes: a collection under a name on a target. */
interface Made {
  readonly step: TaskStep
  readonly target: string
  readonly name: string
}

/** Collections that restores and imports make. */
export const madeBy = (tasks: readonly TaskStep[]): Made[] =>
  tasks.flatMap((step): Made[] => {
    if (step.kind === 'restore') {
      return [{ step, target: step.input.into, name: step.input.as?.text ?? step.input.collection }]
    }
    return step.kind === 'import'
      ? [{ step, target: step.input.target, name: step.input.collection }]
      : []
  })

const dropsIn = (tasks: readonly TaskStep[], target: string, name: string): boolean =>
  tasksOfKind(tasks, 'drop').some(
    ({ input }) => input.target === target && input.collection.text === name,
  )

/** The recovered collection itself, in its own place, is no litter. */
const isHome = ({ plan }: Facts, target: string, name: string): boolean =>
  plan.collections.get(name)?.target === target

function leftovers(facts: Facts) {
  return [...facts.plan.drills.values()].flatMap((drill) => {
    const tasks = tasksOf(drill.steps)
    const always = tasksOf(drill.always)
    return madeBy(tasks)
      .filter(({ target, name }) => !isHome(facts, target, name))
      .filter(({ target, name }) => !dropsIn(always, target, name))
      .map(({ step, target, name }) => {
        const after = tasks.slice(tasks.indexOf(step) + 1)
        return { drill, step, target, name, isDropped: dropsIn(after, target, name) }
      })
  })
}

export const drillConductRules: readonly Rule[] = [
  {
    code: 'drill-cadence',
    severity: 'warning',
    title: 'Drills come more rarely than compliance wants',
    why: 'Between two of them the proof is too old, and objectives count as unproven.',
    remedy: 'Run the drill more often, or agree on another compliance.drillEvery.',
    find: (facts) => {
      const { drillEveryMs } = facts.plan.compliance
      if (drillEveryMs === undefined) return []
      return proving(facts).flatMap((drill) => {
        const timed = facts.timed.find((each) => each.kind === 'drill' && each.name === drill.name)
        if (timed === undefined) return []
        const flows = [{ sequence: timed }]
        const pause = facts.pauseOf(flows)
        if (pause === undefined || pause.worstMs <= drillEveryMs) return []
        return [
          {
            place: drill.place,
            message: `drill ${drill.name} may pause for ${showDuration(pause.worstMs)}, and a drill is wanted every ${showDuration(drillEveryMs)}`,
            arithmetic: [...pauseLines(pause), exceeds(pause.worstMs, drillEveryMs)],
          },
        ]
      })
    },
  },
  {
    code: 'drill-by-hand',
    severity: 'note',
    title: 'A drill that waits for somebody to think of it',
    why: 'What nobody schedules is the first thing that a busy month leaves out.',
    remedy: 'Give it cron: or every:, or a date in somebody’s calendar.',
    find: (facts) =>
      proving(facts)
        // who has to say yes is there
        .filter(({ rhythm, confirm }) => rhythm === undefined && !confirm)
        .map(({ name, place, proves }) => ({
          place,
          message: `drill ${name} has no schedule, and is to prove ${listed([...proves])}`,
          arithmetic: ['cron: none, every: none'],
          assumes: 'no scheduler outside of the plan runs it',
        })),
  },
  {
    code: 'drill-overdue',
    severity: 'warning',
    title: 'The last pass of a drill is too old',
    why: 'Its proof no longer counts.',
    remedy: 'Run it: vectra-dr drill PLAN NAME.',
    find: (facts) => {
      const { drillEveryMs } = facts.plan.compliance
      if (drillEveryMs === undefined) return []
      return proving(facts).flatMap((drill) => {
        const last = passedRuns(facts, drill).at(-1)
        const endedAt = last?.ended?.at
        if (last === undefined || endedAt === undefined) return []
        const age = Math.floor((facts.at - endedAt) / 60_000) * 60_000
        if (age <= drillEveryMs) return []
        return [
          {
            place: drill.place,
            message: `drill ${drill.name} passed ${showDuration(age)} ago, and a drill is wanted every ${showDuration(drillEveryMs)}`,
            arithmetic: [
              `last pass: run ${last.run}, ended ${shortIso(endedAt)}`,
              exceeds(age, drillEveryMs),
            ],
          },
        ]
      })
    },
  },
  {
    code: 'drill-leaves-data',
    severity: 'warning',
    title: 'A drill that never cleans up',
    why: 'The copy stays: it fills the disk, it is old data with nobody’s eye on it, and it makes the next drill fail.',
    remedy: 'Drop it under always:, with ifExists: true.',
    find: (facts) =>
      leftovers(facts)
        .filter(({ isDropped }) => !isDropped)
        .map(({ drill, step, target, name }) => ({
          place: step.place,
          message: `drill ${drill.name} leaves ${name} on ${target}`,
          arithmetic: [`drop steps for ${target}/${name} behind it: 0`],
        })),
  },
  {
    code: 'drill-cleanup-stops',
    severity: 'note',
    title: 'A drill that cleans up only when it passes',
    why: 'After a failure the steps behind it do not run, and the copy stays.',
    remedy: 'Move the drop step under always:.',
    find: (facts) =>
      leftovers(facts)
        .filter(({ isDropped }) => isDropped)
        .map(({ drill, step, target, name }) => ({
          place: step.place,
          message: `drill ${drill.name} drops ${name} on ${target} among its steps, and not under always:`,
          arithmetic: [`drop steps for ${target}/${name} under always: 0`],
        })),
  },
  {
    code: 'drill-without-yes',
    severity: 'note',
    title: 'A drill by the clock that asks first',
    why: 'At its time nobody is there to say yes, so it does not run.',
    remedy: 'Run it with --yes, or take the step that touches production out of what is scheduled.',
    find: (facts) =>
      facts.timed.flatMap((sequence) =>
        sequence.kind === 'drill' && sequence.confirm
          ? [
              {
                place: sequence.place,
                message: `drill ${sequence.name} runs by the clock and needs a yes`,
                arithmetic: [`${rhythmText(sequence.rhythm)}; confirm: true`],
                assumes: 'whatever runs it does not pass --yes',
              },
            ]
          : [],
      ),
  },
]

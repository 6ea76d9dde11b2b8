/**
 * `switch`: lets the alias that applications use mean another collection of its target, from one moment
 * to the next. On another target than the collection's own it is set there, where that can be: applications
 * that ask by the alias find it once they ask there.
 */
import { fail } from '../../engine/index.ts'
import type { Plan } from '../plan/plan.ts'
import type { SwitchInput } from '../plan/step-inputs.ts'
import { capabilitiesOf } from '../target/capabilities.ts'
import { vectraCli } from '../target/command-line.ts'
import { estimateFrom } from './estimate.ts'
import { noting } from './found-note.ts'
import type { StepContext, StepFaces } from './step.ts'

export const switchStep: StepFaces<'switch'> = {
  kind: 'switch',

  async run(input, context) {
    const { alias, to } = input
    const collection = meant(input, context)
    const { before } = await context.target(to).switchAlias({ alias, collection }, noting(context))
    context.remark(`${alias} means ${collection}${insteadOf(before, collection)}`)
    return { outputs: { alias, target: to, collection, before } }
  },

  async examine(input, { note }, context) {
    const { alias, to } = input
    const { meant: before } = note ?? {}
    if (before === undefined) return { state: 'repeat', found: 'nothing was switched' }
    const collection = meant(input, context)
    const now = await context.target(to).meaning(alias, context)
    const found = `${alias} on ${to} ${now === null ? 'is not there' : `means ${now}`}`
    if (now === collection) {
      const outputs = { alias, target: to, collection, before }
      return { state: 'done', found, result: { outputs } }
    }
    return now === before
      ? { state: 'repeat', found }
      : { state: 'unknown', found: `${found}: somebody else has switched it since` }
  },

  async undo({ alias, to }, { outputs }, context) {
    const { collection, before } = outputs
    if (typeof collection !== 'string') return undefined
    const former = typeof before === 'string' ? before : null
    const request = { alias, collection: former, while: collection }
    const done = await context.target(to).switchAlias(request, context)
    if (!done.switched && done.before !== former) {
      const now = done.before === null ? 'is gone' : `means ${done.before}`
      context.remark(`${alias} ${now}: somebody else has switched it since, so it stays`)
    }
    return { outputs: { alias, target: to, collection: done.switched ? former : done.before } }
  },

  describe: (input, plan) => ({
    sentence: `Switch ${input.alias} to ${meantText(input, plan)} on ${input.to}`,
    expected: `${input.alias} means ${meantText(input, plan)}`,
    back: `switch ${input.alias} back to what it meant before`,
    commands: isOffered(input, plan)
      ? [vectraCli(plan, input.to, 'aliases', 'set', input.alias, meantText(input, plan))]
      : [],
  }),
  estimate: (_, id, history) => estimateFrom(history, { id, kind: 'switch' }, 2_000),
  touches: (input, plan) => [
    { access: 'writes', what: 'target', name: `${input.to}/${meantText(input, plan)}` },
  ],
  needs: (input, plan) => [
    {
      target: input.to,
      capabilities: [leadsElsewhere(input, plan) ? 'switch to another target' : 'switch'],
    },
  ],
}

const ownerOf = ({ alias }: SwitchInput, plan: Plan) =>
  [...plan.collections.values()].find((each) => each.alias === alias)

const isOffered = (input: SwitchInput, plan: Plan): boolean => {
  const target = plan.targets.get(input.to)
  return (
    !leadsElsewhere(input, plan) ||
    (target !== undefined && capabilitiesOf(target).has('switch to another target'))
  )
}

/** Whether applications find the alias on another target today. */
function leadsElsewhere(input: SwitchInput, plan: Plan): boolean {
  const home = ownerOf(input, plan)?.target
  return home !== undefined && home !== input.to
}

/** The collection that the alias means afterwards, as the plan has it. */
const meantText = (input: SwitchInput, plan: Plan): string =>
  input.collection?.text ?? ownerOf(input, plan)?.name ?? 'COLLECTION'

function meant(input: SwitchInput, context: StepContext): string {
  const { alias, collection } = input
  if (collection !== undefined) return context.text(collection)
  return (
    ownerOf(input, context.plan)?.name ??
    fail(
      'step-failed',
      `no collection of the plan has the alias ${alias}`,
      'Write collection: beside it, or alias: beside the collection.',
    )
  )
}

const insteadOf = (before: string | null, now: string): string =>
  before === null || before === now ? '' : `, no longer ${before}`

/** Why a recovery went no further, in words. */
import { showDuration } from '../step/quantity.ts'
import type { Model } from './model.ts'
import type { StepModel } from './step-model.ts'
import { deadEnds } from './trial.ts'

/** @param index of the step, −1 before the first. @param end one of {@link deadEnds} */
export function deadEndText(model: Model, index: number, end: number): string {
  const step = model.steps[index]
  if (step === undefined) return nobodyCalled(model)
  const place = model.places[end - deadEnds.place]
  if (place !== undefined) {
    const why = place.lostBecause ?? 'does not answer at that time'
    const verb = place.lostBecause === undefined ? '' : 'is '
    return `step ${step.id} needs ${place.what} ${place.name}, which ${verb}${why}`
  }
  if (end === deadEnds.noSource) return noSource(model, step, index)
  if (end === deadEnds.nobodyAnswers) return nobodyAnswers(model, step)
  if (end === deadEnds.runTimeout) {
    return `the procedure’s timeout of ${showDuration(model.timeoutMs)} was over at step ${step.id}`
  }
  if (end === deadEnds.timeout) {
    return `step ${step.id} took longer than its timeout of ${showDuration(step.timeoutMs)}${
      step.role === undefined ? '' : `, waiting for ${step.role} included`
    }`
  }
  if (step.isApproval) return `step ${step.id}: ${step.role} says no`
  return `step ${step.id} failed in ${step.attempts === 1 ? 'its only try' : `all of its ${step.attempts} tries`}`
}

function nobodyCalled(model: Model): string {
  const roles = [...new Set(model.rungs.map(({ role }) => role))]
  return `nobody who is called ever answers: ${
    peopleText(
      model,
      model.rungs.flatMap(({ holders }) => holders),
    ) || `nobody holds ${roles.join(', ')}`
  }`
}

function nobodyAnswers(model: Model, step: StepModel): string {
  const { id, role, holders = [], isApproval, timeoutMs } = step
  const who = peopleText(model, holders)
  if (timeoutMs < Number.POSITIVE_INFINITY) {
    return `step ${id}: nobody answered as ${role} within ${showDuration(timeoutMs)}: ${who}`
  }
  const may = isApproval ? 'nobody may approve' : 'nobody is there to do it'
  return `step ${id}: ${may} as ${role}: ${who}`
}

const peopleText = ({ people }: Model, holders: readonly number[]): string =>
  [...new Set(holders)]
    .flatMap((index) => people[index] ?? [])
    .map(({ key, goneBecause = 'is not there in those hours' }) => `${key} ${isWord(goneBecause)}`)
    .join(', ')

const isWord = (because: string): string =>
  because.startsWith('taken') ? `is ${because}` : because

function noSource({ places, losses }: Model, step: StepModel, index: number): string {
  const { sources = [] } = step
  const all = sources.flatMap((each) => places[each] ?? [])
  const { collection = 'the collection', basis = '' } =
    losses.find((loss) => loss.step === index) ?? {}
  const lost = all.filter(({ lostBecause }) => lostBecause !== undefined)
  const told = lost.map(({ name, lostBecause }) => `${name} is ${lostBecause}`).join('; ')
  if (lost.length === all.length) {
    return `step ${step.id}: no copy of ${collection} survives: ${told}`
  }
  const left = all.filter((each) => !lost.includes(each)).map(({ name }) => name)
  const also = told === '' ? '' : `; ${told}`
  return `step ${step.id}: no copy of ${collection} can be had: ${left.join(', ')} ${
    left.length === 1 ? 'has' : 'have'
  } none or ${left.length === 1 ? 'does' : 'do'} not answer at that time (${basis})${also}`
}

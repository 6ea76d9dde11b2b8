/**
 * Every `${…}` can be filled in: it stands where variables are filled in, the variable exists, the
 * environment has it, and a step it asks runs earlier. Whether that step then really ran is known
 * only when the plan runs.
 */
import { isJsonObject, type JsonValue } from '../../engine/index.ts'
import type { Annotations, TemplateMode } from './annotations.ts'
import { nearest } from './nearest.ts'
import { childPointer, parentPointer } from './path-text.ts'
import type { ProblemRule, ValueProblem } from './problem.ts'
import { memberOf, type RawSequence, type RawStep, type StepIds, stepIds } from './raw-steps.ts'
import type { StepKind } from './step-inputs.ts'
import { type Environment, readTemplate, type TemplatePart, variable } from './template.ts'

export interface TemplateChecks {
  readonly env: Environment
  readonly sequences: readonly RawSequence[]
  readonly outputs: ReadonlyMap<StepKind, readonly string[]>
}

export function checkTemplates(
  plan: JsonValue,
  annotations: Annotations,
  checks: TemplateChecks,
): ValueProblem[] {
  const owners = stepOwners(checks.sequences)
  const domains = targetDomains(plan)
  const problems = [...annotations.templates].flatMap(([pointer, { mode, text }]) => {
    if (!text.includes('${')) return []
    const reading = readTemplate(text)
    if (reading.problem !== undefined) {
      return [at(pointer, 'unknown-variable', `the text ${reading.problem}`, reading.hint)]
    }
    const owner = ownerOf(pointer, owners)
    return reading.value.flatMap(
      (part) => partProblem(part, { pointer, mode, owner, domains, checks }) ?? [],
    )
  })
  return [...problems, ...strayVariables(plan, annotations)]
}

interface Owner {
  readonly step: RawStep
  readonly siblings: StepIds
  readonly sequence: RawSequence
}

/** By the step's pointer. */
const stepOwners = (sequences: readonly RawSequence[]): ReadonlyMap<string, Owner> =>
  new Map(
    sequences.flatMap((sequence) => {
      const siblings = stepIds(sequence.steps)
      return sequence.steps.map((step) => [step.pointer, { step, siblings, sequence }] as const)
    }),
  )

/** The step around a value: the nearest one above. */
function ownerOf(pointer: string, owners: ReadonlyMap<string, Owner>): Owner | undefined {
  for (let above = parentPointer(pointer); above !== ''; above = parentPointer(above)) {
    const owner = owners.get(above)
    if (owner !== undefined) return owner
  }
  return undefined
}

const targetDomains = (plan: JsonValue): ReadonlyMap<string, JsonValue> => {
  const targets = memberOf(plan, 'targets')
  return new Map(isJsonObject(targets) ? Object.entries(targets) : [])
}

const at = (pointer: string, rule: ProblemRule, message: string, hint: string): ValueProblem => ({
  rule,
  pointer,
  atKey: false,
  message,
  hint,
})

interface PartPlace {
  readonly pointer: string
  readonly mode: TemplateMode
  readonly owner: Owner | undefined
  readonly domains: ReadonlyMap<string, JsonValue>
  readonly checks: TemplateChecks
}

function partProblem(part: TemplatePart, place: PartPlace): ValueProblem | undefined {
  const { pointer, mode, owner, checks } = place
  const unknown = (message: string, hint: string): ValueProblem =>
    at(pointer, 'unknown-variable', message, hint)
  if (part.kind === 'text') return undefined
  if (part.kind === 'env') return missingVariable(part.name, pointer, checks.env)
  if (mode === 'setting' || owner === undefined) {
    return unknown(`\${${nameOf(part)}} means nothing outside steps`, 'Only ${env.NAME} does.')
  }
  if (part.kind === 'steps') return outputProblem(part, pointer, owner, checks.outputs)
  if (part.kind === 'ask') return questionProblem(part.name, pointer, owner)
  if (part.kind === 'target') return domainProblem(part, pointer, place.domains)
  if (part.kind === 'run.error' && owner.step.stage !== 'always' && !afterFailure(owner.step)) {
    return unknown('${run.error} is known under "always" only', 'Move the step, or take it out.')
  }
  if (part.kind === 'collection' && !hasCollection(owner.step, pointer)) {
    return unknown('${collection} means nothing here', 'Write the name of the collection.')
  }
  return undefined
}

const nameOf = (part: Exclude<TemplatePart, { kind: 'text' | 'env' }>): string =>
  part.kind === 'steps'
    ? `steps.${part.id}.${part.output}`
    : part.kind === 'ask'
      ? `ask.${part.name}`
      : part.kind === 'target'
        ? `target.${part.name}.${part.domain}`
        : part.kind

/** It runs only once something failed. */
const afterFailure = ({ value }: RawStep): boolean =>
  (memberOf(value, 'when') ?? memberOf(memberOf(value, 'notify'), 'when')) === 'failure'

function questionProblem(
  name: string,
  pointer: string,
  { sequence }: Owner,
): ValueProblem | undefined {
  const asked = memberOf(sequence.value, 'ask')
  const names = isJsonObject(asked) ? Object.keys(asked) : []
  if (names.includes(name)) return undefined
  const meant = nearest(name, names)
  const isProcedure = sequence.section === 'procedures'
  const hint =
    meant !== undefined
      ? `Did you mean "${meant}"?`
      : names.length > 0
        ? `It asks ${names.join(', ')}.`
        : isProcedure
          ? `Add ask: { ${name}: { question: … } } to the procedure.`
          : 'Only procedures ask questions.'
  return at(pointer, 'unknown-name', `nothing asks for "${name}" here`, hint)
}

function domainProblem(
  part: { readonly name: string; readonly domain: string },
  pointer: string,
  domains: ReadonlyMap<string, JsonValue>,
): ValueProblem | undefined {
  const target = domains.get(part.name)
  if (target === undefined) {
    const meant = nearest(part.name, domains.keys())
    const known = `The plan has ${[...domains.keys()].slice(0, 10).join(', ')}.`
    const hint = meant === undefined ? known : `Did you mean "${meant}"?`
    return at(pointer, 'unknown-name', `there is no target ${JSON.stringify(part.name)}`, hint)
  }
  if (memberOf(target, part.domain) !== undefined) return undefined
  const hint = `Add ${part.domain}: … to target ${part.name}.`
  return at(pointer, 'unknown-name', `target ${part.name} does not say its ${part.domain}`, hint)
}

function missingVariable(
  name: string,
  pointer: string,
  env: Environment,
): ValueProblem | undefined {
  if (variable(env, name) !== undefined) return undefined
  const message = `the environment variable ${name} is not set, or empty`
  return at(pointer, 'missing-variable', message, `Set ${name} before anything runs.`)
}

function hasCollection(step: RawStep, pointer: string): boolean {
  const [kind] = step.kinds
  const input = kind === undefined ? undefined : memberOf(step.value, kind)
  const own = pointer === childPointer(childPointer(step.pointer, kind ?? ''), 'collection')
  const named = memberOf(input, 'collection') ?? memberOf(input, 'collections')
  return named !== undefined && !own
}

function outputProblem(
  part: { readonly id: string; readonly output: string },
  pointer: string,
  owner: Owner,
  outputs: ReadonlyMap<StepKind, readonly string[]>,
): ValueProblem | undefined {
  const { addressable } = owner.siblings
  const asked = addressable.get(part.id)
  if (asked === undefined) {
    const same = [...owner.siblings.ids.values()].filter((id) => id.startsWith(`${part.id}-`))
    const meant = nearest(part.id, addressable.keys())
    const hint =
      same.length > 1
        ? `There are several ${part.id} steps; give the one you mean an id.`
        : meant !== undefined
          ? `Did you mean "${meant}"?`
          : `There is ${[...addressable.keys()].join(', ')}.`
    return at(pointer, 'unknown-name', `there is no step "${part.id}" here`, hint)
  }
  if (asked.order >= owner.step.order) {
    const when = asked === owner.step ? 'is this one' : 'does not run before this one'
    const hint = 'A step sees the steps before it; steps side by side do not see each other.'
    return at(pointer, 'unknown-name', `step "${part.id}" ${when}`, hint)
  }
  const [kind] = asked.kinds
  const many = kind && memberOf(memberOf(asked.value, kind), 'collections')
  if (Array.isArray(many) && many.length > 1 && part.output !== 'destination') {
    const hint = 'Make a step of each collection.'
    const does = kind === 'backup' ? 'backs up' : 'works on'
    return at(pointer, 'unknown-name', `step "${part.id}" ${does} several collections`, hint)
  }
  const known = (kind && outputs.get(kind)) ?? []
  if (known.includes(part.output)) return undefined
  const meant = nearest(part.output, known)
  const given = known.length === 0 ? 'It gives nothing.' : `It gives ${known.join(', ')}.`
  return at(
    pointer,
    'unknown-name',
    `step "${part.id}" does not give "${part.output}"`,
    meant === undefined ? given : `Did you mean "${meant}"?`,
  )
}

/** Texts with variables that nobody fills in: doing nothing with them silently would be a trap. */
function strayVariables(plan: JsonValue, annotations: Annotations): ValueProblem[] {
  const problems: ValueProblem[] = []
  const keys: string[] = []
  const visit = (value: JsonValue): void => {
    if (typeof value === 'string') {
      if (!value.includes('${') || !/\$\{[^}]*\}/.test(value)) return
      const pointer = keys.reduce(childPointer, '')
      if (annotations.templates.has(pointer)) return
      const hint = 'Variables work in paths, URLs, ids, names given by steps, and arguments.'
      problems.push(at(pointer, 'unknown-variable', 'nothing is filled in here', hint))
      return
    }
    if (typeof value !== 'object' || value === null) return
    for (const [key, item] of Object.entries(value)) {
      keys.push(key)
      visit(item)
      keys.pop()
    }
  }
  visit(plan)
  return problems
}

/**
 * Texts with `${…}`: parsed when the plan is read, filled in when a step runs.
 *
 *     ${env.NAME}            an environment variable, always a secret
 *     ${date} ${time}        20261101 and 020000: when the run was due, in its time zone
 *     ${run}                 the run's id
 *     ${collection}          the collection the step works on
 *     ${steps.ID.OUTPUT}     what an earlier step found
 *     ${ask.NAME}            the answer to a question of the procedure
 *     ${target.NAME.region}  a failure domain of a target: node, disk, region, account or vendor
 *     ${run.error}           why the run failed; empty when it did not. Under `always` only
 *     $${                    a literal ${
 *
 * A template is text and stays text: what is filled in is never parsed again, so no value can bring
 * another `${…}`, a list or a key with it.
 */
import * as path from 'node:path'
import { fail, type JsonObject } from '../../engine/index.ts'
import { nearest } from './nearest.ts'
import type { Place } from './place.ts'
import { problem, type Reading, value } from './reading.ts'
import { Secret } from './secret.ts'
import { wallTime } from './zone.ts'

export type TemplatePart =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'env'; readonly name: string }
  | { readonly kind: 'date' | 'time' | 'run' | 'collection' | 'run.error' }
  | { readonly kind: 'steps'; readonly id: string; readonly output: string }
  | { readonly kind: 'ask'; readonly name: string }
  | { readonly kind: 'target'; readonly name: string; readonly domain: DomainName }

export type DomainName = (typeof domainNames)[number]

const domainNames = ['node', 'disk', 'region', 'account', 'vendor'] as const

export interface Template {
  /** As written: safe to print, because it holds names of variables and not their values. */
  readonly text: string
  readonly parts: readonly TemplatePart[]
  /** When present the text is a path, and a relative one starts here. */
  readonly directory?: string
  readonly place: Place
}

export type Environment = Readonly<Record<string, string | undefined>>

/** What the variables stand for. */
export interface TemplateContext {
  readonly env: Environment
  /** When the run was due; when it started for a run that nobody scheduled. Epoch milliseconds. */
  readonly dueAt: number
  readonly timezone: string
  readonly run: string
  readonly collection?: string
  /** Outputs of the steps that ended so far, by step id. */
  readonly outputs: ReadonlyMap<string, JsonObject>
  readonly runError?: string
  /** Answers to the questions of a procedure, by name. */
  readonly answers?: ReadonlyMap<string, string>
  /** Failure domains of the plan's targets, by the target's name. */
  readonly domains?: ReadonlyMap<string, { readonly [Domain in DomainName]?: string }>
}

export interface ResolvedTemplate {
  readonly value: string
  /** The value with every secret part masked: what may be printed. */
  readonly shown: string
  /** The secret parts, for a redactor. */
  readonly secrets: readonly Secret[]
}

const simple = ['date', 'time', 'run', 'collection', 'run.error'] as const
const variablePattern =
  /^(?:env\.([A-Za-z_]\w*)|steps\.([A-Za-z0-9_][\w-]*)\.([A-Za-z]\w*)|ask\.([A-Za-z]\w*)|target\.([A-Za-z0-9_][\w-]*)\.([a-z]+))$/

/** A variable's value; one that is empty counts as not set. */
export function variable(env: Environment, name: string): string | undefined {
  const found = Object.hasOwn(env, name) ? env[name] : undefined
  return found === '' ? undefined : found
}

/** The parts of a text with `${…}`; a text without is one part. */
export function readTemplate(text: string): Reading<TemplatePart[]> {
  const parts: TemplatePart[] = []
  let plain = ''
  let from = 0
  for (;;) {
    const start = text.indexOf('${', from)
    if (start < 0) break
    if (text[start - 1] === '$' && start > from) {
      plain += `${text.slice(from, start - 1)}\${`
      from = start + 2
      continue
    }
    const end = text.indexOf('}', start)
    if (end < 0) {
      return problem('has a "${" without its "}"', 'Close it, or write $${ for the text itself.')
    }
    const part = readVariable(text.slice(start + 2, end))
    if (part.problem !== undefined) return part
    plain += text.slice(from, start)
    if (plain !== '') parts.push({ kind: 'text', text: plain })
    plain = ''
    parts.push(part.value)
    from = end + 1
  }
  plain += text.slice(from)
  if (plain !== '' || parts.length === 0) parts.push({ kind: 'text', text: plain })
  return value(parts)
}

function readVariable(name: string): Reading<TemplatePart> {
  const kind = simple.find((each) => each === name)
  if (kind !== undefined) return value({ kind })
  const match = variablePattern.exec(name)
  const [, env, id, output, ask, target, word] = match ?? []
  if (env !== undefined) return value({ kind: 'env', name: env })
  if (id !== undefined && output !== undefined) return value({ kind: 'steps', id, output })
  if (ask !== undefined) return value({ kind: 'ask', name: ask })
  const domain = domainNames.find((each) => each === word)
  if (target !== undefined && domain !== undefined) {
    return value({ kind: 'target', name: target, domain })
  }
  if (target !== undefined) {
    return problem(
      `asks for "${word}" of a target`,
      `A target says its ${domainNames.slice(0, -1).join(', ')} and vendor.`,
    )
  }
  const meant = nearest(name, [...simple, 'env.NAME', 'steps.ID.OUTPUT', 'ask.NAME'])
  return problem(
    `has the unknown variable \${${name}}`,
    meant !== undefined
      ? `Did you mean \${${meant}}?`
      : 'There are ${env.NAME} ${date} ${time} ${run} ${collection} ${steps.ID.OUTPUT} ${ask.NAME} ${target.NAME.region} ${run.error}; write $${ for the text itself.',
  )
}

/**
 * Fills a template in. A path comes out absolute.
 * @throws `step-failed` when a value is not there: an output of a step that did not run, or a
 * variable that has gone since the plan was read.
 */
export function resolveTemplate(template: Template, context: TemplateContext): ResolvedTemplate {
  const secrets: Secret[] = []
  let filled = ''
  let shown = ''
  for (const part of template.parts) {
    const text = fill(part, template, context)
    if (part.kind === 'env') {
      const secret = new Secret(part.name, text)
      secrets.push(secret)
      shown += String(secret)
    } else {
      shown += text
    }
    filled += text
  }
  if (filled.includes('\0')) missing(template, 'holds a NUL character once it is filled in')
  if (template.directory === undefined) return { value: filled, shown, secrets }
  return { value: path.resolve(template.directory, filled), shown, secrets }
}

function fill(part: TemplatePart, template: Template, context: TemplateContext): string {
  switch (part.kind) {
    case 'text':
      return part.text
    case 'env':
      return (
        variable(context.env, part.name) ??
        missing(template, `needs the environment variable ${part.name}`)
      )
    case 'date':
    case 'time':
      return wallTime(context.dueAt, context.timezone)[part.kind]
    case 'run':
      return context.run
    case 'collection':
      return context.collection ?? missing(template, 'names ${collection} where there is none')
    case 'run.error':
      return context.runError ?? ''
    case 'ask':
      return (
        context.answers?.get(part.name) ?? missing(template, `needs an answer to "${part.name}"`)
      )
    case 'target':
      return (
        context.domains?.get(part.name)?.[part.domain] ??
        missing(template, `needs the ${part.domain} of target ${part.name}`)
      )
    case 'steps':
      return fillOutput(part, template, context)
    default:
      return part satisfies never
  }
}

function fillOutput(
  part: { readonly id: string; readonly output: string },
  template: Template,
  context: TemplateContext,
): string {
  const outputs = context.outputs.get(part.id)
  if (outputs === undefined) return missing(template, `needs step "${part.id}", which has not run`)
  const found = Object.hasOwn(outputs, part.output) ? outputs[part.output] : undefined
  if (typeof found === 'string') return found
  if (typeof found === 'number' || typeof found === 'boolean') return String(found)
  return missing(template, `needs "${part.output}" of step "${part.id}", which did not give it`)
}

function missing(template: Template, why: string): never {
  const { file, line, column } = template.place
  fail(
    'step-failed',
    `${JSON.stringify(template.text)} ${why}`,
    'See the step that should have provided it.',
    { place: { file, line, column } },
  )
}

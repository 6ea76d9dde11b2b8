/**
 * What ajv says → what a person can act on: one problem for each mistake, at the key or value where it
 * stands, in words of the plan language.
 *
 * A schema's `title` finishes the sentence "… is not". Where a value may take several forms (`oneOf`)
 * the problems of the form that was evidently meant are told, or else the title.
 */
import type { ErrorObject } from 'ajv'
import { isJsonObject, type JsonValue } from '../../engine/index.ts'
import { formats } from './formats.ts'
import { planLimits } from './limits.ts'
import { nearest } from './nearest.ts'
import { childPointer, parentPointer } from './path-text.ts'
import { showable } from './plan-text.ts'
import type { ValueProblem } from './problem.ts'

/** Several errors may stand at one place; the first is the one to tell. */
export const schemaProblems = (errors: readonly ErrorObject[]): ValueProblem[] =>
  settleUnions(errors).flatMap(
    (error, index) => toProblem(error, index < planLimits.problems) ?? [],
  )

/** Reduces the errors of each `oneOf` to those of the branch that was meant, or to the union's own. */
function settleUnions(errors: readonly ErrorObject[]): ErrorObject[] {
  const dropped = new Set<ErrorObject>()
  for (const [union, branches] of branchesOf(errors)) {
    const meant = branches.filter(
      ({ instancePath, keyword }) =>
        instancePath !== union.instancePath || !['type', 'const', 'enum'].includes(keyword),
    )
    for (const branch of branches) if (!meant.includes(branch)) dropped.add(branch)
    if (meant.length > 0) dropped.add(union)
  }
  return errors.filter((error) => !dropped.has(error))
}

/** The errors inside each `oneOf`, found from the errors upwards: a plan may have thousands of both. */
function branchesOf(errors: readonly ErrorObject[]): ReadonlyMap<ErrorObject, ErrorObject[]> {
  const unions = errors.filter((error) => error.keyword === 'oneOf')
  const branches = new Map<ErrorObject, ErrorObject[]>(unions.map((union) => [union, []]))
  const byPlace = new Map<string, ErrorObject[]>()
  for (const union of unions) {
    const here = byPlace.get(union.instancePath)
    if (here === undefined) byPlace.set(union.instancePath, [union])
    else here.push(union)
  }
  for (const error of errors) {
    for (let place = error.instancePath; ; place = parentPointer(place)) {
      for (const union of byPlace.get(place) ?? []) {
        if (error.schemaPath.startsWith(`${union.schemaPath}/`)) branches.get(union)?.push(error)
      }
      if (place === '') break
    }
  }
  return branches
}

const propertiesOf = (schema: unknown): Record<string, unknown> => {
  const properties = memberOf(schema, 'properties')
  return typeof properties === 'object' && properties !== null ? { ...properties } : {}
}

// verbose: ajv hands over the parent schema, which is JSON that it types loosely
const memberOf = (schema: unknown, key: string): unknown =>
  typeof schema === 'object' && schema !== null && Object.hasOwn(schema, key)
    ? Reflect.get(schema, key)
    : undefined

const textOf = (schema: unknown, key: string): string | undefined => {
  const text = memberOf(schema, key)
  return typeof text === 'string' ? text : undefined
}

/** `"15 minutes"`, `30`, `a list`: how a message calls a value. */
export function describeValue(value: JsonValue | undefined): string {
  if (value === null || value === undefined) return 'nothing'
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'object') return 'a mapping'
  const text = showable(JSON.stringify(value))
  return text.length <= 60 ? text : `${text.slice(0, 57)}…"`
}

const startsSentence = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1)

/** @param suggest looking for what was meant costs: once more is wrong than is shown, nobody reads it */
function toProblem(error: ErrorObject, suggest: boolean): ValueProblem | undefined {
  const { keyword, instancePath: pointer, params, parentSchema } = error
  switch (keyword) {
    case 'if':
    case 'propertyNames':
    case 'false schema': // side by side in side by side, told by check-steps.ts
      return undefined // the error inside tells it
    case 'additionalProperties':
      return unknownKey(pointer, String(params['additionalProperty']), parentSchema, suggest)
    case 'required':
      return missingKey(pointer, String(params['missingProperty']), parentSchema)
    case 'dependentRequired':
      return {
        rule: 'missing-key',
        pointer,
        atKey: true,
        message: `"${params['property']}" needs "${params['missingProperty']}" beside it`,
      }
    case 'uniqueItems':
      return {
        rule: 'wrong-value',
        pointer: childPointer(pointer, Number(params['i'])),
        atKey: false,
        message: `${describeItem(error.data, Number(params['i']))} stands in the list twice`,
      }
    default:
      return error.propertyName === undefined
        ? wrongValue(error, suggest)
        : wrongName(error, error.propertyName)
  }
}

const describeItem = (list: unknown, index: number): string =>
  // the data is what was validated: JSON
  describeValue(Array.isArray(list) ? (list[index] as JsonValue) : null)

function unknownKey(pointer: string, key: string, schema: unknown, suggest: boolean): ValueProblem {
  const at = { pointer: childPointer(pointer, key), atKey: true }
  const known = Object.keys(propertiesOf(schema))
  const meant = suggest ? nearest(key, known) : undefined
  const list = known.length <= 14 ? `Known here: ${known.join(', ')}.` : undefined
  const hint = meant === undefined ? list : `Did you mean "${meant}"?`
  return {
    rule: 'unknown-key',
    ...at,
    message: `unknown key "${key}"`,
    ...(hint !== undefined && { hint }),
  }
}

function missingKey(pointer: string, key: string, schema: unknown): ValueProblem {
  const property = memberOf(memberOf(schema, 'properties'), key)
  const what = textOf(property, 'description') ?? textOf(property, 'title')
  return {
    rule: 'missing-key',
    pointer,
    atKey: true,
    message: `"${key}" is missing`,
    ...(what !== undefined && { hint: `${startsSentence(what)}` }),
  }
}

function wrongName(error: ErrorObject, name: string): ValueProblem {
  const wanted = textOf(error.parentSchema, 'title') ?? 'a name that may be used here'
  const reading = readFormat(error, name)
  return {
    rule: 'wrong-value',
    pointer: childPointer(error.instancePath, name),
    atKey: true,
    message: `${describeValue(name)} ${reading?.problem ?? `is not ${wanted}`}`,
    ...(reading !== undefined && { hint: reading.hint }),
  }
}

function readFormat(
  error: ErrorObject,
  text: unknown,
): { readonly problem: string; readonly hint: string } | undefined {
  if (error.keyword !== 'format' || typeof text !== 'string') return undefined
  const reading = formats[String(error.params['format'])]?.(text)
  return reading?.problem === undefined ? undefined : reading
}

function wrongValue(error: ErrorObject, suggest: boolean): ValueProblem {
  const value = error.data as JsonValue | undefined // the data is what was validated: JSON
  const { message, hint } = describeWrong(error, value, suggest)
  return {
    rule: error.keyword === 'type' ? 'wrong-type' : 'wrong-value',
    pointer: error.instancePath,
    atKey: value === null,
    message,
    ...(hint !== undefined && { hint }),
  }
}

interface Wrong {
  readonly message: string
  readonly hint?: string
}

const typeTitles: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  integer: 'a whole number',
  boolean: 'true or false',
  object: 'a mapping of keys to values',
  array: 'a list',
}

function describeWrong(error: ErrorObject, value: JsonValue | undefined, suggest: boolean): Wrong {
  const { keyword, params, parentSchema } = error
  // a number in place of a key is not shown either
  const shown = textOf(parentSchema, 'format') === 'secret' ? 'this' : describeValue(value)
  const reading = suggest ? readFormat(error, value) : undefined
  if (reading !== undefined) return { message: `${shown} ${reading.problem}`, hint: reading.hint }
  const title = textOf(parentSchema, 'title')
  const wanted = title ?? typeTitles[String(params['type'])] ?? 'what belongs here'
  if (value === null) return { message: 'there is no value', hint: `Write ${wanted}.` }
  switch (keyword) {
    case 'enum':
      return oneOf(shown, suggest ? value : null, error.params['allowedValues'])
    case 'minItems':
    case 'minProperties':
    case 'minLength':
      return { message: 'there is nothing in it', ...(title && { hint: `Write ${title}.` }) }
    case 'maxItems':
    case 'maxProperties':
    case 'maxLength':
      return { message: `it has more than ${params['limit']} entries or characters` }
    case 'minimum':
      return { message: `${shown} is ${title ? `not ${title}` : `less than ${params['limit']}`}` }
    case 'maximum':
      return { message: `${shown} is ${title ? `not ${title}` : `more than ${params['limit']}`}` }
    default:
      return { message: `${shown} is not ${wanted}`, ...typeHint(value, params['type']) }
  }
}

const yes: readonly unknown[] = ['yes', 'on', 'y', 'Yes', 'On', 'YES', 'ON']
const no: readonly unknown[] = ['no', 'off', 'n', 'No', 'Off', 'NO', 'OFF']

function typeHint(value: JsonValue | undefined, type: unknown): { readonly hint?: string } {
  if (type === 'boolean' && yes.includes(value)) return { hint: 'Write true.' }
  if (type === 'boolean' && no.includes(value)) return { hint: 'Write false.' }
  if (type === 'string' && (typeof value === 'number' || typeof value === 'boolean')) {
    return { hint: 'Put it in quotes if it is text, or add the unit.' }
  }
  if (type === 'string' && isJsonObject(value)) {
    return { hint: 'Put text that holds ": " or starts with "{" in quotes.' }
  }
  if (type === 'array') return { hint: 'Write a list: [ … ], or one "- …" a line.' }
  return {}
}

function oneOf(shown: string, value: JsonValue | undefined, allowed: unknown): Wrong {
  const names = Array.isArray(allowed) ? allowed.map(String) : []
  const meant = typeof value === 'string' ? nearest(value, names) : undefined
  const message =
    names.length === 1
      ? `${shown} is not ${names[0]}`
      : `${shown} is not one of ${names.join(', ')}`
  return { message, ...(meant !== undefined && { hint: `Did you mean "${meant}"?` }) }
}

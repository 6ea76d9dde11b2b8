/** A step's input as plain JSON for its record: templates filled in, with secrets masked. */
import { isJsonObject, type JsonObject, type JsonValue } from '../../engine/index.ts'
import type { Template } from '../plan/template.ts'

/** `show` gives the text of a template that may be printed. */
export function recordedInputs(input: object, show: (template: Template) => string): JsonObject {
  const value = toJson(input, show)
  return isJsonObject(value) ? value : {}
}

function toJson(value: unknown, show: (template: Template) => string): JsonValue {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return value
    case 'number':
      return Number.isFinite(value) ? value : String(value)
    case 'object':
      break
    default:
      return null
  }
  if (value === null) return null
  if (isTemplate(value)) return show(value)
  if (Array.isArray(value)) return value.map((each) => toJson(each, show))
  const entries = value instanceof Map ? [...value] : Object.entries(value)
  return Object.fromEntries(
    entries
      .filter(([, each]) => each !== undefined)
      .map(([key, each]) => [String(key), toJson(each, show)]),
  )
}

const isTemplate = (value: object): value is Template =>
  'text' in value && typeof value.text === 'string' && 'parts' in value && 'place' in value

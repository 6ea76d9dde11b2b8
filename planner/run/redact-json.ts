/** JSON with every text in it masked, keys included. */
import { isJsonObject, type JsonObject, type JsonValue } from '../../engine/index.ts'

/** A copy of `object`; a value that holds a secret anywhere comes out masked. */
export function redactJson(object: JsonObject, redact: (text: string) => string): JsonObject {
  return Object.fromEntries(
    Object.entries(object).map(([key, value]) => [redact(key), redactValue(value, redact)]),
  )
}

function redactValue(value: JsonValue, redact: (text: string) => string): JsonValue {
  if (typeof value === 'string') return redact(value)
  if (Array.isArray(value)) return value.map((each) => redactValue(each, redact))
  return isJsonObject(value) ? redactJson(value, redact) : value
}

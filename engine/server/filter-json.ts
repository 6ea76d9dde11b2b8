/** A filter as `parseFilter` reads it back: how one that was parsed here is sent to a server. */
import type { JsonObject } from '../base/canonical-json.ts'
import type { Filter } from '../collection/filter.ts'

/** @throws TypeError for what the language of `vectra-cli search --filter` cannot say: no filter of a person */
export function toFilterJson(filter: Filter): JsonObject {
  switch (filter.kind) {
    case 'and':
    case 'or':
      return { [filter.kind]: filter.filters.map(toFilterJson) }
    case 'not':
      return { not: toFilterJson(filter.filter) }
    case 'in':
      return { [filter.field]: { in: [...filter.values] } }
    case 'range':
      return { [filter.field]: { [filter.operator]: filter.bound } }
    default:
      throw new TypeError(`a filter of the kind ${filter.kind} is not sent`)
  }
}

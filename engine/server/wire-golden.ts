/** Golden questions of a caller's own, as JSON. */
import { limits } from '../base/limits.ts'
import { acceptId, acceptVector, type PointId, type VectorConfig } from '../format/point.ts'
import type { Schema } from './route.ts'

export type GoldenQuestions = readonly {
  readonly id: unknown
  readonly vector: readonly number[]
}[]

export const goldenQuestions: Schema = {
  type: 'array',
  minItems: 1,
  maxItems: limits.goldenQueries,
  items: {
    type: 'object',
    additionalProperties: false,
    properties: { id: {}, vector: { type: 'array' } },
    required: ['id', 'vector'],
  },
}

/** Checked for a collection of these settings. @throws `invalid-point`, `invalid-vector` */
export const toQuestions = (
  questions: GoldenQuestions,
  config: VectorConfig,
): { readonly id: PointId; readonly vector: Float32Array }[] =>
  questions.map(({ id, vector }) => ({
    id: acceptId(id),
    vector: acceptVector(vector, config, `the question ${String(id)}`),
  }))

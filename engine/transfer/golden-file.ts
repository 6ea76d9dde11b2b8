/**
 * Golden questions of a file: JSON Lines as for points, `{"id": …, "vector": […]}`. The id is what reports call
 * the question; metadata is passed over.
 */
import { fail } from '../base/errors.ts'
import { limits } from '../base/limits.ts'
import { acceptId, acceptVector, type PointId, showId, type VectorConfig } from '../format/point.ts'
import type { ByteSource } from './byte-source.ts'
import { readJsonl } from './jsonl-reader.ts'
import { refuse } from './source-point.ts'

export interface GoldenFileQuestion {
  readonly id: PointId
  readonly vector: Float32Array
}

/** At least one. @throws `invalid-input-file`, with the line where it is one; `invalid-vector`, `invalid-point` */
export async function readGoldenFile(
  source: ByteSource,
  config: VectorConfig,
): Promise<readonly GoldenFileQuestion[]> {
  const questions: GoldenFileQuestion[] = []
  const seen = new Set<PointId>()
  for await (const point of readJsonl(source)) {
    const id = acceptId(point.id)
    if (seen.has(id)) {
      refuse(point, `the question ${showId(id)} stands there already`, 'Give each its own id.')
    }
    if (questions.length === limits.goldenQueries) {
      const hint = 'Take the ones that say most.'
      refuse(point, `there are more than ${limits.goldenQueries} golden questions`, hint)
    }
    seen.add(id)
    questions.push({ id, vector: acceptVector(point.vector, config, `${point.where}: it`) })
  }
  if (questions.length === 0) {
    // a restore that is held against nothing would look proven
    fail(
      'invalid-input-file',
      `${source.name} has no golden question`,
      'Write a line for each, {"id": …, "vector": […]}, or leave the file out for a sample of the points.',
    )
  }
  return questions
}

/**
 * Opens a source in one of the formats: a stream of points, and the dimension as far as the file
 * itself tells it (a raw float32 file never does, an empty file of lines has none).
 */
import { fail } from '../base/errors.ts'
import type { ByteSource } from './byte-source.ts'
import { readF32 } from './f32-reader.ts'
import { readFvecs } from './fvecs-reader.ts'
import type { InputFormat } from './input-format.ts'
import { readJsonl } from './jsonl-reader.ts'
import { openNpy } from './npy-reader.ts'
import { joinMetadata } from './row-metadata.ts'
import type { SourcePoint } from './source-point.ts'

export interface PointStream {
  readonly dimension: number | undefined
  readonly points: AsyncIterable<SourcePoint>
  /** What is changed on the way in, for a person to read. */
  readonly remarks: readonly string[]
}

export interface OpenRequest {
  readonly source: ByteSource
  readonly format: InputFormat
  /** JSONL with the ids and the metadata of a binary format. */
  readonly metadata?: ByteSource | undefined
  /** Values of a vector; needed for `f32`, checked later for the others. */
  readonly dimension?: number | undefined
}

/** @throws `usage` for options that do not fit the format; `invalid-input-file` */
export async function openPoints(request: OpenRequest): Promise<PointStream> {
  const { source, format, metadata, dimension } = request
  switch (format) {
    case 'jsonl':
      if (metadata !== undefined) {
        fail('usage', 'JSONL carries its own metadata', 'Leave --metadata out, or check --format.')
      }
      return peek(readJsonl(source))
    case 'f32': {
      const width =
        dimension ??
        fail('usage', `${source.name} is raw float32, which has no dimension`, 'Add --dimension N.')
      return {
        dimension: width,
        points: joinMetadata(readF32(source, width), metadata),
        remarks: [],
      }
    }
    case 'fvecs':
      return peek(joinMetadata(readFvecs(source), metadata))
    case 'npy': {
      const { header, rows } = await openNpy(source)
      return {
        dimension: header.dimension,
        points: joinMetadata(rows, metadata),
        remarks: header.valueBytes === 8 ? [roundingRemark(source.name)] : [],
      }
    }
    default:
      return format satisfies never
  }
}

const roundingRemark = (name: string): string =>
  `${name} holds float64: each value is rounded to float32, which is what a collection stores`

/** Reads the first point, which tells the dimension, and puts it back. */
async function peek(points: AsyncGenerator<SourcePoint>): Promise<PointStream> {
  const first = await points.next()
  if (first.done === true) return { dimension: undefined, points, remarks: [] }
  return { dimension: first.value.vector.length, points: putBack(first.value, points), remarks: [] }
}

async function* putBack(
  first: SourcePoint,
  rest: AsyncGenerator<SourcePoint>,
): AsyncGenerator<SourcePoint> {
  yield first
  yield* rest
}

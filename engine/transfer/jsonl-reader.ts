/**
 * JSONL: one object a line, `{"id": …, "vector": […], "metadata": {…}}`, metadata optional.
 *
 * A JSON number is an integer id, a JSON string a text id. Another key is refused rather than dropped:
 * data that was not imported would be found missing only after a disaster.
 */
import { isJsonObject, type JsonObject } from '../base/canonical-json.ts'
import type { ByteSource } from './byte-source.ts'
import { type Line, readLines } from './line-reader.ts'
import { linePlace, refuse, type SourcePoint } from './source-point.ts'

const float32Bytes = 4

/** @throws `invalid-input-file` with the line */
export async function* readJsonl(source: ByteSource): AsyncGenerator<SourcePoint> {
  for await (const line of readLines(source)) yield toPoint(source.name, line)
}

function toPoint(name: string, line: Line): SourcePoint {
  const at = linePlace(name, line.number)
  const { id, vector, metadata, ...others } = parseLine(name, line)
  const [strange] = Object.keys(others)
  if (strange !== undefined) {
    refuse(
      at,
      `${JSON.stringify(strange)} is not a key of a point`,
      'A line has "id", "vector" and "metadata"; put other fields inside "metadata".',
    )
  }
  if (id === undefined) refuse(at, 'the point has no "id"', 'Give every line an "id".')
  if (vector === undefined) refuse(at, 'the point has no "vector"', 'Give every line a "vector".')
  if (!Array.isArray(vector) || vector.length === 0) {
    return refuse(at, 'the vector is not a list of numbers', 'Write "vector": [0.1, 0.2, …].')
  }
  if (metadata === null) {
    refuse(at, 'the metadata is null', 'Leave "metadata" out, or use a JSON object.')
  }
  const metadataBytes = metadata === undefined ? 0 : line.sizeBytes
  const sizeBytes = float32Bytes * vector.length + metadataBytes
  return { ...at, id, vector, metadata, sizeBytes }
}

/** The object on a line. @throws `invalid-input-file` with the line */
export function parseLine(name: string, line: Line): JsonObject {
  const at = linePlace(name, line.number)
  let value: unknown
  try {
    value = JSON.parse(line.text)
  } catch {
    refuse(at, `the line is not JSON: ${excerpt(line.text)}`, jsonHint(line.text))
  }
  if (!isJsonObject(value)) {
    return refuse(at, `the line is not a JSON object: ${excerpt(line.text)}`, jsonHint(line.text))
  }
  return value
}

const excerpt = (text: string): string =>
  JSON.stringify(text.length > 60 ? `${text.slice(0, 59)}…` : text)

function jsonHint(text: string): string {
  if (/\b(NaN|Infinity)\b/.test(text)) {
    return 'JSON has no NaN or Infinity, and no vector may hold one; look for a failed embedding.'
  }
  if (/^\s*\[/.test(text)) return 'Write one object a line, without a list around them.'
  return 'Write one whole JSON object a line.'
}

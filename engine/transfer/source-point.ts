/**
 * What every reader of a format yields: a point not yet checked, and where it stands in the file, so
 * that whatever is wrong with it can be said with its line or row.
 */
import { type ErrorPlace, fail } from '../base/errors.ts'

/** Where something stands in a source. */
export interface SourcePlace {
  /** For messages: `words.jsonl line 12`, `words.f32 row 3`. */
  readonly where: string
  readonly place: ErrorPlace
}

/** A vector of a binary file: rows count from 0, as their ids do where none are given. */
export interface SourceRow extends SourcePlace {
  readonly row: number
  readonly vector: Float32Array | Float64Array
}

export interface SourcePoint extends SourcePlace {
  readonly id: unknown
  /** A non-empty list of whatever the source held. */
  readonly vector: readonly unknown[] | Float32Array | Float64Array
  readonly metadata: unknown
  /** Roughly what the point takes in the log; bounds a batch. */
  readonly sizeBytes: number
}

/** Line `line`, from 1, of the text source `name`. */
export const linePlace = (name: string, line: number): SourcePlace => ({
  where: `${name} line ${line}`,
  place: { file: name, line },
})

/** Row `row`, from 0, of the binary source `name`; `offset` is where it begins, in bytes. */
export const rowPlace = (name: string, row: number, offset: number): SourcePlace => ({
  where: `${name} row ${row}`,
  place: { file: name, offset },
})

/** @throws `invalid-input-file` with the place */
export function refuse(at: SourcePlace, problem: string, hint: string): never {
  return fail('invalid-input-file', `${at.where}: ${problem}`, hint, { place: at.place })
}

/** Where something stands in the plan file. Line and column count from 1; a column is a character. */
export interface Place {
  /** As the user wrote it. */
  readonly file: string
  readonly line: number
  readonly column: number
  /** `schedules.nightly.steps[0].backup.to`; empty for the document itself. */
  readonly path: string
}

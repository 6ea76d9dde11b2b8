/** What became of the files of a restore: where each piece came from, and what no source had. */

/** A piece that did not come from the first source. */
export interface Fallback {
  readonly path: string
  readonly piece: number
  readonly key: string
  /** The source that had a sound copy. */
  readonly from: string
  /** What was wrong at the sources before it. */
  readonly problems: readonly { readonly source: string; readonly problem: string }[]
}

export interface WrittenFiles {
  readonly written: number
  /** Files that an interrupted restore had finished. */
  readonly reused: number
  readonly bytesWritten: number
  readonly sources: readonly {
    readonly url: string
    readonly pieces: number
    readonly bytes: number
  }[]
  readonly fallbacks: readonly Fallback[]
  /** Derived files that no source has whole. They were left out: what they hold is found again. */
  readonly lost: readonly LostFile[]
}

export interface LostFile {
  readonly path: string
  /** What is wrong with it, where. */
  readonly problem: string
}

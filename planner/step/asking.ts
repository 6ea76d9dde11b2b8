/** How people are reached while steps run. */

export interface Asking {
  /** Answers given beforehand, as `--answer STEP=ANSWER` has them, by step id. */
  readonly given: ReadonlyMap<string, string>
  /** Asks at the terminal; absent where there is none. Rejects with the signal's reason. */
  readonly ask?: (question: string, signal: AbortSignal) => Promise<string>
}

export const nobodyToAsk: Asking = { given: new Map() }

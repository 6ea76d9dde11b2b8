/** What is known of a disaster when a procedure begins: answers to its questions, and when it struck. */

import type { RunStarted } from '../ledger/ledger-line.ts'
import { toIso } from '../step/observation.ts'

export interface Recovery {
  /** By the name of the question; what `${ask.NAME}` means. */
  readonly answers: ReadonlyMap<string, string>
  /** When the disaster began, epoch milliseconds. Absent: nobody said. */
  readonly since?: number
}

/** As the ledger keeps it, secrets masked. */
export function recordRecovery(
  recovery: Recovery | undefined,
  redact: (text: string) => string,
): Pick<RunStarted, 'answers' | 'since'> {
  if (recovery === undefined) return {}
  const answers = [...recovery.answers].map(([name, text]) => [name, redact(text)] as const)
  return {
    answers: Object.fromEntries(answers),
    ...(recovery.since !== undefined && { since: toIso(recovery.since) }),
  }
}

/** What {@link recordRecovery} wrote; nothing for a run that is no procedure's. */
export function readRecovery({ answers, since }: RunStarted): { readonly recovery?: Recovery } {
  if (answers === undefined) return {}
  const texts = Object.entries(answers).map(([name, text]) => [name, String(text)] as const)
  return {
    recovery: {
      answers: new Map(texts),
      ...(since !== undefined && { since: Date.parse(since) }),
    },
  }
}

/** What is known of a disaster when a procedure begins: answers to its questions, and when it struck. */

export interface Recovery {
  /** By the name of the question; what `${ask.NAME}` means. */
  readonly answers: ReadonlyMap<string, string>
  /** When the disaster began, epoch milliseconds: Absent: nobody said. */
  readonly since?: number
}

/** An address as a plan gives it: filled in, with what it takes to judge it and to name it. */
import type { Template } from '../plan/template.ts'

export interface WebAddress {
  /** Filled in. May hold secrets. */
  readonly url: string
  /** As the plan writes it, or masked: may be printed. */
  readonly shown: string
  /** Whether the host stands in the plan itself, no part of it from a variable. */
  readonly isWrittenOut: boolean
  /** A name or a variable may lead to a private address. */
  readonly allowPrivate: boolean
}

export const toWebAddress = (
  template: Template,
  url: string,
  allowPrivate: boolean,
): WebAddress => ({
  url,
  shown: template.text,
  isWrittenOut: isHostWrittenOut(template),
  allowPrivate,
})

/** The host ends in the plan's own text: what a variable adds cannot make it another one. */
function isHostWrittenOut({ parts }: Template): boolean {
  const [first] = parts
  if (first?.kind !== 'text') return false
  return parts.length === 1 || /^\s*https?:[/\\]{2}[^/?#\\]+[/?#\\]/i.test(first.text)
}

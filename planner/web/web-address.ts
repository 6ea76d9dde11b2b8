/** An address as a plan gives it, with what it takes to judge it and to name it. */
import { isHostWrittenOut, type WebAddress } from '../../engine/outside.ts'
import type { Template } from '../plan/template.ts'

export const toWebAddress = (
  template: Template,
  url: string,
  allowPrivate: boolean,
): WebAddress => ({
  url,
  shown: template.text,
  isWrittenOut: isWrittenOut(template),
  allowPrivate,
  permission: 'allowPrivate: true beside it',
})

function isWrittenOut({ parts }: Template): boolean {
  const [first] = parts
  return first?.kind === 'text' && isHostWrittenOut(first.text, parts.length === 1)
}

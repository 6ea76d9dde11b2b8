/**
 * Personal data of a plan: what stands beside the key of a contact. Records hold the key.
 *
 * A text that a step leaves behind may quote a name or a number: from its own words in the plan, from what a
 * person answered, from the output of a program. It is replaced before it is written.
 */
import type { Contact, People } from './people.ts'
import { variants } from './secret.ts'

/** A number of fewer digits could be anything. */
const fewestDigits = 6

/**
 * A function that puts `[key]` where a text has the name, number or address of a contact, also encoded. A name
 * without a space is left alone: it may be a word that means something else.
 */
export function createPersonMask({ contacts }: Pick<People, 'contacts'>): (text: string) => string {
  const needles = [...contacts.values()].flatMap((contact) =>
    personalOf(contact)
      .flatMap(variants)
      .map((needle) => [needle, `[${contact.key}]`] as const),
  )
  // longest first, so that a number inside another one does not leave the rest of it behind
  const ordered = needles.sort(([a], [b]) => b.length - a.length)
  return (text) => ordered.reduce((masked, [needle, key]) => masked.replaceAll(needle, key), text)
}

function personalOf({ name, phone = '', email = '' }: Contact): string[] {
  const digits = phone.replace(/[^\d+]/g, '')
  return [
    ...(/\S\s+\S/.test(name.trim()) ? [name.trim()] : []),
    ...(digits.length >= fewestDigits ? [phone.trim(), digits] : []),
    ...(email.includes('@') ? [email.trim()] : []),
  ]
}

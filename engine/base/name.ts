/**
 * Names that become path elements and object keys: collections and snapshot ids.
 *
 * The rule is narrow on purpose: it is the same on every file system and in every object store, has
 * no case-folding or normalisation pairs to confuse, and cannot leave its directory.
 */
import { fail } from './errors.ts'
import { limits } from './limits.ts'

const pattern = /^[A-Za-z0-9_][A-Za-z0-9_.-]*$/
const windowsDevice = /^(con|prn|aux|nul|com[0-9]|lpt[0-9])(\.|$)/i

/** Subcommands of `collections backup`: taken as names they would be ambiguous on the command line. */
export const reservedNames: readonly string[] = [
  'verify',
  'list',
  'show',
  'diff',
  'pin',
  'unpin',
  'help',
]

/** Whether `name` may be used; the reason why not otherwise. */
export function nameProblem(name: string): string | undefined {
  if (name === '') return 'is empty'
  if (name.length > limits.nameLength) return `is longer than ${limits.nameLength} characters`
  if (!pattern.test(name))
    return 'has characters other than A-Z a-z 0-9 _ . - or does not start with a letter, digit or _'
  if (name.includes('..')) return 'contains ".."'
  if (name.endsWith('.')) return 'ends with a dot'
  if (windowsDevice.test(name)) return 'is a device name on some systems'
  return undefined
}

/** @throws `invalid-name` */
export function checkName(
  what: 'collection name' | 'snapshot id' | 'alias' | 'tag',
  name: string,
): string {
  const problem =
    (what === 'collection name' || what === 'alias') && reservedNames.includes(name)
      ? 'is a subcommand of "collections backup"'
      : nameProblem(name)
  if (problem !== undefined) {
    fail(
      'invalid-name',
      `the ${what} ${JSON.stringify(name.slice(0, limits.nameLength))} ${problem}`,
      'Use 1 to 128 letters, digits, "_", "-" and single dots, starting with a letter, digit or "_".',
    )
  }
  return name
}

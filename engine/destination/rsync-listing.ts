/**
 * What rsync prints, read: lines of `--list-only` (`-rw-r--r--  12 2026/11/26 18:03:17 name`, times in UTC)
 * and of `--out-format=%i %n`. Names are bytes; what is not printable stands there as `\#` and three octal
 * digits, and so does a `\` before what would look like that.
 */
import type { EntryKind } from '../base/disk.ts'

export interface RsyncEntry {
  readonly kind: EntryKind
  /** Relative to the directory asked for; `.` is that directory. */
  readonly name: string
  readonly sizeBytes: number
  /** Epoch ms, whole seconds. */
  readonly modifiedAt: number
}

const listed =
  /^([-dlbcpsDS])\S{9}\S*\s+([\d,.]+)\s+(\d{4})\/(\d\d)\/(\d\d) (\d\d):(\d\d):(\d\d) (.*)$/s

/** One line of a listing; undefined for what is none. */
export function parseListed(line: string): RsyncEntry | undefined {
  const [, type = '', size = '', year, month, day, hour, minute, second, rest = ''] =
    listed.exec(line) ?? []
  if (type === '') return undefined
  const kind = type === '-' ? 'file' : type === 'd' ? 'directory' : type === 'l' ? 'link' : 'other'
  const name = kind === 'link' ? (rest.split(' -> ')[0] ?? rest) : rest
  return {
    kind,
    name: unescaped(name),
    sizeBytes: Number(size.replace(/[,.]/g, '')),
    modifiedAt: Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`),
  }
}

export interface RsyncChange {
  /** Eleven letters; the first says how, the second what. */
  readonly item: string
  readonly name: string
}

/** One line of `%i %n`; undefined for what is none. */
export function parseChange(line: string): RsyncChange | undefined {
  const [, item = '', name = ''] = /^([<>ch.*][fdLDS][.+?a-zA-Z ]{9}) (.*)$/s.exec(line) ?? []
  return item === '' ? undefined : { item, name: unescaped(name) }
}

/** Whether a change is a second name that a file was given, by `link`. */
export const isLinked = ({ item }: RsyncChange): boolean => item.startsWith('hf')

/** @param name bytes as Latin-1, one character each */
function unescaped(name: string): string {
  const bytes = name.replace(/\\#([0-7]{3})/g, (_, octal: string) =>
    String.fromCharCode(Number.parseInt(octal, 8)),
  )
  return Buffer.from(bytes, 'latin1').toString('utf8')
}

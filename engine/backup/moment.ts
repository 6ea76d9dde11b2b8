/** A moment to recover to, as people write it: `latest`, `lsn:1234`, or an instant with its offset. */
import { fail } from '../base/errors.ts'

export type Moment =
  | { readonly kind: 'latest' }
  /** Exactly the state after this record. */
  | { readonly kind: 'lsn'; readonly lsn: number }
  /** The state after the last record not after it, epoch µs. */
  | { readonly kind: 'time'; readonly atUs: number; readonly text: string }

const hint =
  'Write latest, lsn:1234, or an instant with its offset from UTC: 2026-11-01T10:00:00+01:00, or …Z.'

const instant =
  /^(\d{4}-\d{2}-\d{2})[Tt ](\d{2}:\d{2}(?::\d{2})?)(?:\.(\d{1,9}))?([Zz]|[+-]\d{2}:\d{2})?$/

/**
 * An instant with three decimals is how this product prints commit times: it includes its millisecond.
 * Any other one is taken to the microsecond; what is finer, as `date` prints it, lies between two of them.
 * @throws `usage`
 */
export function parseMoment(text: string): Moment {
  if (text === 'latest') return { kind: 'latest' }
  const lsn = /^lsn:([0-9]{1,16})$/.exec(text)?.[1]
  if (lsn !== undefined && Number.isSafeInteger(Number(lsn))) {
    return { kind: 'lsn', lsn: Number(lsn) }
  }
  const match = instant.exec(text)
  if (match === null) return fail('usage', `${JSON.stringify(text)} is no moment`, hint)
  const [, day = '', time = '', fraction = '', zone] = match
  if (zone === undefined) return fail('usage', `${text} is an instant without an offset`, hint)
  const seconds = time.length === 5 ? `${time}:00` : time
  const at = Date.parse(`${day}T${seconds}${zone.toUpperCase()}`)
  const isDay = new Date(`${day}T00:00:00Z`)
  if (Number.isNaN(at) || Number.isNaN(isDay.getTime()) || !isDay.toISOString().startsWith(day)) {
    return fail('usage', `${text} is a moment that does not exist`, hint)
  }
  const micros = Number(fraction.slice(0, 6).padEnd(6, '0')) + (fraction.length === 3 ? 999 : 0)
  return { kind: 'time', atUs: at * 1000 + micros, text }
}

/** As {@link parseMoment} reads it back. */
export const showMoment = (moment: Moment): string =>
  moment.kind === 'latest' ? 'latest' : moment.kind === 'lsn' ? `lsn:${moment.lsn}` : moment.text

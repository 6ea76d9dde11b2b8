/**
 * Whether bytes are canonical JSON (RFC 8785), told from the bytes alone: one pass, nothing is parsed and nothing
 * written anew. For bytes that are UTF-8 `isCanonicalJson` says the same of their text, and takes several times as long.
 *
 * | of | canonical are |
 * | --- | --- |
 * | white space | none |
 * | members | keys in ascending order of their UTF-16 code units, each once |
 * | texts | UTF-8; escaped only what must be: `\" \\ \b \f \n \r \t`, else `\u` with four lower-case digits for controls and lone surrogates |
 * | numbers | as ECMAScript writes them |
 */
import { isUtf8 } from 'node:buffer'
import { deepestJson } from './canonical-json.ts'

const quote = 0x22
const comma = 0x2c
const minus = 0x2d
const zero = 0x30
const nine = 0x39
const colon = 0x3a
const openList = 0x5b
const backslash = 0x5c
const closeList = 0x5d
const openObject = 0x7b
const closeObject = 0x7d

const byByte = (is: (char: string) => boolean): Uint8Array =>
  Uint8Array.from({ length: 256 }, (_, byte) => Number(is(String.fromCharCode(byte))))

/** By byte, 1: does not stand in a text for itself. */
const endsPlain = byByte((char) => char < ' ' || char === '"' || char === '\\')
/** By byte, 1: of a key, is not compared as it stands. */
const isComposed = byByte((char) => char > '\x7f' || char === '\\')
/** By byte, 1: a number may hold it. */
const isNumeric = byByte((char) => '0123456789+-.eE'.includes(char))
/** By byte, 1: escaped by its letter. */
const isEscape = byByte((char) => '"\\bfnrt'.includes(char))

/** Integers of so few digits are exact, and written as they are. */
const exactDigits = 15

/** By depth: where the last key of an open object begins, or that it is a list. One for all: nothing waits in between. */
const keyStarts = new Int32Array(deepestJson + 1)
const keyEnds = new Int32Array(deepestJson + 1)
const isList = -1
const noKey = -2

/** Instead of an offset: what stands there is not canonical. */
const unfit = -1

/** Whether `bytes` are one JSON value in canonical form. What is nested deeper than `deepestJson` is told to be none. */
export function isCanonicalBytes(bytes: Uint8Array): boolean {
  let depth = 0
  for (let at = 0; ; ) {
    const byte = bytes[at]
    if (byte === openObject || byte === openList) {
      if (depth === deepestJson) return false
      const close = byte === openObject ? closeObject : closeList
      if (bytes[at + 1] !== close) {
        depth += 1
        keyStarts[depth] = byte === openObject ? noKey : isList
        at = byte === openObject ? pastKey(bytes, at + 1, depth) : at + 1
        if (at === unfit) return false
        continue
      }
      at += 2
    } else {
      at = byte === quote ? pastText(bytes, at) : pastWord(bytes, at)
      if (at === unfit) return false
    }
    // behind a value
    for (; depth > 0; depth--) {
      const inList = keyStarts[depth] === isList
      const next = bytes[at]
      at += 1
      if (next === comma) {
        if (!inList) at = pastKey(bytes, at, depth)
        if (at === unfit) return false
        break
      }
      if (next !== (inList ? closeList : closeObject)) return false
    }
    if (depth === 0) return at === bytes.length && isUtf8(bytes)
  }
}

/** Behind the colon of a key that stands behind the one before it. */
function pastKey(bytes: Uint8Array, at: number, depth: number): number {
  if (bytes[at] !== quote) return unfit
  const end = pastText(bytes, at)
  if (end === unfit || bytes[end] !== colon) return unfit
  const before = keyStarts[depth] ?? noKey
  if (before !== noKey && !isAscending(bytes, before, keyEnds[depth] ?? 0, at, end)) return unfit
  keyStarts[depth] = at
  keyEnds[depth] = end
  return end + 1
}

/** Whether the key from `b` to `bEnd` stands behind that from `a` to `aEnd`, quotes included. */
function isAscending(bytes: Uint8Array, a: number, aEnd: number, b: number, bEnd: number): boolean {
  for (let index = 1; ; index++) {
    if (b + index === bEnd - 1) return false
    if (a + index === aEnd - 1) return true
    const [x, y] = [bytes[a + index] ?? 0, bytes[b + index] ?? 0]
    if (isComposed[x] === 1 || isComposed[y] === 1) {
      return textAt(bytes, a, aEnd) < textAt(bytes, b, bEnd)
    }
    if (x !== y) return x < y
  }
}

const textAt = (bytes: Uint8Array, start: number, end: number): string =>
  String(JSON.parse(Buffer.from(bytes.subarray(start, end)).toString('utf8')))

/** Behind the closing quote of a text. */
function pastText(bytes: Uint8Array, quoteAt: number): number {
  for (let at = quoteAt + 1; ; ) {
    let byte = bytes[at] ?? 0
    while (endsPlain[byte] === 0) byte = bytes[++at] ?? 0
    if (byte === quote) return at + 1
    if (byte !== backslash) return unfit
    const next = bytes[at + 1] ?? 0
    if (isEscape[next] === 1) at += 2
    else if (isEscapedUnit(latin1(bytes, at, at + 12))) at += 6
    else return unfit
  }
}

/** A control without a letter of its own, or a surrogate; `pair` is what would have been written as one character. */
const escapedUnit = /^\\u(?:00(?:0[0-7bef]|1[0-9a-f])|d[89a-f][0-9a-f]{2})/
const pair = /^\\ud[89ab][0-9a-f]{2}\\u[dD][c-fC-F]/

const isEscapedUnit = (text: string): boolean => escapedUnit.test(text) && !pair.test(text)

/** Behind a number, `true`, `false` or `null`. */
function pastWord(bytes: Uint8Array, start: number): number {
  const first = bytes[start] === minus ? start + 1 : start
  if (!isDigit(bytes[first])) return pastName(bytes, start)
  let at = first + 1
  while (isDigit(bytes[at])) at++
  if (at - first <= exactDigits && isNumeric[bytes[at] ?? 0] === 0) {
    // no zero leads, and none is negative
    return bytes[first] === zero && at - start > 1 ? unfit : at
  }
  while (isNumeric[bytes[at] ?? 0] === 1) at++
  const text = latin1(bytes, start, at)
  const value = Number(text)
  return Number.isFinite(value) && String(value) === text ? at : unfit
}

const names: readonly string[] = ['true', 'false', 'null']

function pastName(bytes: Uint8Array, start: number): number {
  const text = latin1(bytes, start, start + 5)
  const name = names.find((each) => text.startsWith(each))
  return name === undefined ? unfit : start + name.length
}

const isDigit = (byte: number | undefined): boolean =>
  byte !== undefined && byte >= zero && byte <= nine

const latin1 = (bytes: Uint8Array, start: number, end: number): string =>
  Buffer.from(bytes.subarray(start, end)).toString('latin1')

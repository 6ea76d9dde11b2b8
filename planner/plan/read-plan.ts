/**
 * The bytes of a plan file, bounded, and their text.
 *
 * The size is checked before a byte is read. Only regular files are opened: a pipe would wait for
 * ever. The text is valid UTF-8 without control characters; a byte order mark is tolerated.
 */
import { type Disk, fail, isOperatingError } from '../../engine/threads.ts'
import { planLimits } from './limits.ts'
import { PlanText } from './plan-text.ts'
import type { PlanError, TextProblem } from './problem.ts'

/** @throws `plan-not-found`, `plan-too-large`, and what the disk throws. */
export async function readPlanFile(disk: Disk, file: string): Promise<Buffer> {
  const place = { place: { file } }
  const entry = await disk.stat(file)
  if (entry === undefined)
    fail('plan-not-found', `there is no plan ${file}`, 'Check the path.', place)
  if (entry.kind !== 'file') {
    const what = entry.kind === 'link' ? 'a symbolic link' : `a ${entry.kind}`
    fail(
      'disk-refused',
      `${file} is ${entry.kind === 'other' ? 'not a regular file' : what}`,
      'Name the file itself.',
      place,
    )
  }
  try {
    return await disk.readFile(file, planLimits.fileBytes)
  } catch (error) {
    if (!isOperatingError(error, 'limit-exceeded')) throw error
    return fail(
      'plan-too-large',
      `${file} is ${entry.sizeBytes} bytes; a plan has at most ${planLimits.fileBytes}`,
      'Check that this is the plan; split it into several plans if it is.',
      { ...place, cause: error },
    )
  }
}

/** The text, or what makes it unreadable. */
export function decodePlan(file: string, bytes: Uint8Array): PlanText | PlanError[] {
  const text = decodeUtf8(bytes)
  if (typeof text !== 'string') {
    const before = new PlanText(file, text.before)
    return [before.error({ rule: 'encoding', offset: text.before.length, path: '', ...text.what })]
  }
  const plan = new PlanText(file, text)
  const problems = controlProblems(text)
  return problems.length > 0 ? problems.map((problem) => plan.error(problem)) : plan
}

interface Undecodable {
  /** The text up to the first bad byte. */
  readonly before: string
  readonly what: { readonly message: string; readonly hint: string }
}

function decodeUtf8(bytes: Uint8Array): string | Undecodable {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    // a fatal decoder only tells that something is wrong; where is found below
  }
  const before = validPrefix(bytes)
  const byte = bytes[Buffer.byteLength(before) + byteOrderMarkBytes(bytes)] ?? 0
  const wide = (bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff)
  return {
    before,
    what: {
      message: wide
        ? 'the file is UTF-16, not UTF-8'
        : `the file is not valid UTF-8: byte 0x${byte.toString(16).padStart(2, '0')}`,
      hint: 'Save the file as UTF-8.',
    },
  }
}

const byteOrderMarkBytes = (bytes: Uint8Array): number =>
  bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0

/** The longest valid beginning, found by halving: a prefix of valid text is valid text. */
function validPrefix(bytes: Uint8Array): string {
  let valid = 0
  let invalid = bytes.length + 1
  while (invalid - valid > 1) {
    const middle = Math.floor((valid + invalid) / 2)
    if (decodable(bytes.subarray(0, middle))) valid = middle
    else invalid = middle
  }
  return new TextDecoder('utf-8').decode(bytes.subarray(0, valid), { stream: true })
}

function decodable(bytes: Uint8Array): boolean {
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(bytes, { stream: true })
    return true
  } catch {
    return false
  }
}

// what YAML calls not printable, a byte order mark after the start, and a carriage return alone, which
// readers disagree about: for some it ends a comment, for some it does not
const unprintable =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: finding control characters is its purpose
  /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u0084\u0086-\u009f\ufeff\ufffe\uffff]|\r(?!\n)/g

function controlProblems(text: string): TextProblem[] {
  const problems: TextProblem[] = []
  for (const match of text.matchAll(unprintable)) {
    if (problems.length === planLimits.problems) break
    problems.push({
      rule: 'encoding',
      offset: match.index,
      path: '',
      message: `the file holds the control character ${nameOf(match[0])}`,
      hint: 'Remove it.',
    })
  }
  return problems
}

const nameOf = (character: string): string =>
  character === '\0'
    ? 'NUL'
    : `U+${character.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}`

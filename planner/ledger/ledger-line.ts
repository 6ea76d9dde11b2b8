/**
 * The ledger's lines: the format of `ledger.jsonl`.
 *
 * One entry a line: a JSON object in canonical form (RFC 8785), UTF-8, ended by a line feed. Every
 * entry names the line it is (`line`, from 1) and the SHA-256 of the line before without its line feed
 * (`previous`; 64 zeros on the first). A line that was edited no longer has the hash that the next one
 * names; one that was inserted, deleted or moved breaks the numbers as well.
 *
 * | field | meaning |
 * | --- | --- |
 * | ledger | version of this format that the line needs, 3 or 4; lines of versions 1 and 2 are read for ever |
 * | line, previous | the chain |
 * | at | when it was appended, ISO 8601 |
 * | plan, planSha256, gitCommit | what was run: name, hash of the plan file, commit or null |
 * | run | id of the run |
 * | kind | `run-started`, `step-started`, `step-noted`, `step`, `run-stopping`, `run-resumed`, `run-ended`, `runs-summed`, `exercise`, `signature`, `remark` |
 *
 * A step has a line before it starts, one for what it found there right before it changed something, and
 * one when it ended: what a process that died was about to do is known. Version 2 adds these lines, and
 * those of a run that is stopped or resumed. Version 3 adds signatures: Ed25519 over `vectra-dr ledger 1`, a zero
 * byte and the line without its `signature`. As the line names the one before, it covers all before it. And it adds
 * sums of runs that are alike (`sum.ts`). Version 4 adds played exercises; every other line stays as version 3 has it.
 *
 * Names and numbers of people and values of environment variables never stand in it.
 */
import {
  canonicalJson,
  fail,
  isCanonicalBytes,
  isJsonObject,
  type JsonObject,
  MiB,
  type Signer,
  sha256Hex,
} from '../../engine/index.ts'
import type { AnySequence, ObjectiveKind } from '../plan/plan.ts'
import type { RecordedError, StageName, StepRecord } from '../step/record.ts'
import { type ExercisePlayed, isExercise } from './exercise-line.ts'
import { isSum, type RunsSummed } from './sum-line.ts'

export const ledgerVersion = 4

/** A longer line was not written by this product. */
export const maxLineBytes = 8 * MiB

/** What the first line names as its predecessor. */
export const noLine = '0'.repeat(64)

/** `void`: the system was not steady before a drill. `interrupted`: stopped by a signal. */
export type RunOutcome = 'passed' | 'failed' | 'void' | 'interrupted'

export interface RunStarted {
  readonly kind: 'run-started'
  readonly sequence: { readonly kind: AnySequence['kind']; readonly name: string }
  readonly proves: readonly ObjectiveKind[]
  readonly planFile: string
  readonly version: string
  /** What `${date}` and `${time}` mean, ISO 8601; lines of version 1 have none: it was when they were written. */
  readonly dueAt?: string
  /** Of a procedure: answers to its questions, by name. */
  readonly answers?: JsonObject
  /** Of a procedure: when the disaster began, ISO 8601, by the word of who started it. */
  readonly since?: string
}

/** Durable before the step does anything. */
export interface StepStarted {
  readonly kind: 'step-started'
  readonly stage: StageName
  readonly step: string
  readonly stepKind: string
  /** As in its record: filled in, and masked where a secret stood. */
  readonly inputs: JsonObject
}

/** What a step found right before it changed something: how an examination tells before from after. */
export interface StepNoted {
  readonly kind: 'step-noted'
  readonly stage: StageName
  readonly step: string
  readonly note: JsonObject
}

/** The wish to stop was heard: no further step starts, also when this run is resumed. */
export interface RunStopping {
  readonly kind: 'run-stopping'
  readonly error: RecordedError
}

/** The process of the run died, and another one goes on with it. */
export interface RunResumed {
  readonly kind: 'run-resumed'
  readonly version: string
  readonly planFile: string
  /** Steps that had begun and not ended. */
  readonly interrupted: readonly {
    readonly stage: StageName
    readonly step: string
    readonly verdict: ResumeVerdict
    /** Whether the system was looked at, or somebody said so. */
    readonly by: 'examination' | 'person'
    readonly found: string
  }[]
}

/** What becomes of an interrupted step. */
export type ResumeVerdict = 'done' | 'repeat'

export interface StepEnded {
  readonly kind: 'step'
  readonly record: StepRecord
}

export interface RunEnded {
  readonly kind: 'run-ended'
  readonly outcome: RunOutcome
  readonly startedAt: string
  readonly endedAt: string
  readonly durationMs: number
  readonly error?: RecordedError
}

/** Covers this line, and by its chain all before it. */
export interface LedgerSignature {
  readonly kind: 'signature'
  readonly publicKey: string
  /** Base64 of 64 bytes. */
  readonly signature: string
}

/** Something about the ledger itself. `breaks`: a verifier must not read past it in peace. */
export interface LedgerRemark {
  readonly kind: 'remark'
  readonly remark: string
  readonly breaks: boolean
  readonly details: JsonObject
}

export type LedgerBody =
  | RunStarted
  | StepStarted
  | StepNoted
  | StepEnded
  | RunStopping
  | RunResumed
  | RunEnded
  | ExercisePlayed
  | LedgerSignature
  | LedgerRemark

/** What every line of a run has. */
export interface RunHeader {
  readonly plan: string
  readonly planSha256: string
  readonly gitCommit: string | null
  readonly run: string
}

export interface InChain {
  readonly ledger: 1 | 2 | 3 | 4
  readonly line: number
  readonly previous: string
  readonly at: string
}

/** What happened, as readers see it: those of a sum are unfolded, and have its line. */
export type LedgerEntry = RunHeader & LedgerBody & InChain

/** What stands on a line. */
export type LedgerLine = LedgerEntry | (RunHeader & RunsSummed & InChain)

export interface LineBefore {
  /** 0 before the first. */
  readonly line: number
  readonly sha256: string
}

export const startOfLedger: LineBefore = { line: 0, sha256: noLine }

/** The text of a line without its line feed. */
export function encodeLine<Body extends LedgerBody | RunsSummed>(
  header: RunHeader,
  body: Body,
  before: LineBefore,
  at: string,
): { readonly text: string; readonly entry: RunHeader & Body & InChain } {
  const entry = { ...header, ...body, ...placeOf(before, at, body.kind === 'exercise' ? 4 : 3) }
  return { text: canonicalJson(entry), entry }
}

const placeOf = (before: LineBefore, at: string, ledger: 3 | 4): InChain => ({
  ledger,
  line: before.line + 1,
  previous: before.sha256,
  at,
})

/** The line that signs the one before, and all before that. */
export function signLine(
  header: RunHeader,
  signer: Signer,
  before: LineBefore,
  at: string,
): LedgerSignature {
  const { publicKey } = signer
  const unsigned = { ...header, kind: 'signature', publicKey, ...placeOf(before, at, 3) }
  return { kind: 'signature', ...signer.sign('ledger', signedBytes(unsigned)) }
}

/** What the signature of a line is of. */
export const signedBytes = (unsigned: object): Buffer => Buffer.from(canonicalJson(unsigned))

export const hashLine = (text: string | Uint8Array): string => sha256Hex(text)

/** A line that a power cut tore has zeros in it, which no JSON has. */
export function isJson(text: Uint8Array): boolean {
  try {
    JSON.parse(Buffer.from(text).toString('utf8'))
    return true
  } catch {
    return false
  }
}

/**
 * The entry on a line, or the reason why it is not the one that belongs there.
 * @param isCanonical whether the bytes of `text` are, where that is known
 * @throws `newer-format`
 */
export function decodeLine(
  text: string,
  before: LineBefore,
  file: string,
  isCanonical = isCanonicalBytes(Buffer.from(text)),
): LedgerLine | string {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return 'it is not JSON'
  }
  if (!isJsonObject(value)) return 'it is not an object'
  const version = value['ledger']
  if (typeof version === 'number' && version > ledgerVersion) {
    fail(
      'newer-format',
      `${file} has entries of version ${version}; this build reads up to ${ledgerVersion}`,
      'Upgrade Vectra DR and run the command again.',
      { place: { file, line: before.line + 1 } },
    )
  }
  if (version !== 1 && version !== 2 && version !== 3 && version !== ledgerVersion)
    return 'it has no known version'
  if (value['line'] !== before.line + 1) return `it says it is line ${String(value['line'])}`
  if (value['previous'] !== before.sha256) {
    return before.line === 0
      ? 'it names a line before it, and there is none'
      : `it does not name the hash of line ${before.line}: one of the two was changed`
  }
  if (!hasKnownKind(value)) return 'it is no entry of a known kind'
  if (!isCanonical) return 'it is not in the form in which entries are written'
  // its hash is chained and its kind and header are checked; the rest was written by encodeLine
  return value as unknown as LedgerLine
}

function hasKnownKind(value: JsonObject): boolean {
  const texts = ['plan', 'planSha256', 'run', 'at'].every((key) => typeof value[key] === 'string')
  if (!texts) return false
  switch (value['kind']) {
    case 'run-started':
      return isJsonObject(value['sequence']) && Array.isArray(value['proves'])
    case 'step-started':
      return isKey(value) && isJsonObject(value['inputs'])
    case 'step-noted':
      return isKey(value) && isJsonObject(value['note'])
    case 'step':
      return isRecord(value['record'])
    case 'run-stopping':
      return isJsonObject(value['error']) && typeof value['error']['code'] === 'string'
    case 'run-resumed':
      return Array.isArray(value['interrupted'])
    case 'run-ended':
      return typeof value['outcome'] === 'string' && typeof value['startedAt'] === 'string'
    case 'runs-summed':
      return isSum(value)
    case 'exercise':
      return isExercise(value)
    case 'signature':
      return typeof value['publicKey'] === 'string' && typeof value['signature'] === 'string'
    case 'remark':
      return typeof value['remark'] === 'string'
    default:
      return false
  }
}

const isKey = (value: JsonObject): boolean =>
  typeof value['stage'] === 'string' && typeof value['step'] === 'string'

const isRecord = (value: unknown): boolean =>
  isJsonObject(value) &&
  ['step', 'kind', 'stage', 'outcome', 'startedAt', 'endedAt'].every(
    (key) => typeof value[key] === 'string',
  ) &&
  isJsonObject(value['inputs']) &&
  isJsonObject(value['outputs']) &&
  Array.isArray(value['evidence']) &&
  Array.isArray(value['remarks'])

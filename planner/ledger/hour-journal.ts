/**
 * The running hour: entries of runs that will be summed up, before they are in the ledger.
 *
 * `<ledger>.<plan>.hour` has one JSON object a line, each durable before it counts, under the lock that keeps runs
 * of one plan from overlapping. A run that may be summed writes here instead of the ledger. It is moved there when
 *
 * - a run that is not summed begins, or one of a later hour, of a changed plan, of another release;
 * - it did not pass: then all of its entries go, one a line, behind the sum of those before;
 * - its process died: the next one moves what it left;
 * - the daemon ends, an audit begins, or the journal grows beyond a bound.
 *
 * Before anything is moved a line says from which byte of the ledger on; after a crash what stands behind it
 * is compared, so that nothing is moved twice. The journal goes when all is moved. A crash so loses
 * no entry that was written; what a power cut left of a last line is cut off.
 *
 * Until it is moved, what stands here is not chained. Readers of today (`status`, due times) count it; evidence
 * is made of the ledger alone.
 */
import * as path from 'node:path'
import {
  canonicalJson,
  type Disk,
  isJsonObject,
  isOperatingError,
  type JsonObject,
  MiB,
  type Signer,
  writeNewFile,
} from '../../engine/index.ts'
import type { StepRecord } from '../step/record.ts'
import { makeDurableDirectory } from './durable-directory.ts'
import type { Ledger } from './ledger.ts'
import {
  type LedgerBody,
  type LedgerEntry,
  ledgerVersion,
  maxLineBytes,
  type RunHeader,
} from './ledger-line.ts'
import { type SummableRun, sumRuns } from './sum.ts'
import type { RunsSummed } from './sum-line.ts'

const maxBytes = 64 * MiB
/** A journal beyond this is moved before the hour is over. */
const fullBytes = 2 * MiB
const lineFeed = 0x0a

/** An entry that waits. */
export interface Waiting {
  readonly header: RunHeader
  readonly body: LedgerBody
  /** When it was written here, ISO 8601. */
  readonly at: string
}

interface Journal {
  readonly waiting: readonly Waiting[]
  /** Size of the ledger when moving began. */
  readonly movingFrom?: number
  /** Where the next line begins. */
  readonly bytes: number
  /** Whether something else than the rest of a last line follows: a disk that forgets, a hand. */
  readonly isDamaged: boolean
}

const fileOf = (ledger: string, plan: string): string => `${ledger}.${plan}.hour`

/** What waits; nothing when there is no journal. @throws `disk-error` */
export const readWaiting = async (
  disk: Disk,
  ledger: string,
  plan: string,
): Promise<readonly Waiting[]> => {
  const { waiting, movingFrom } = await readJournal(disk, fileOf(ledger, plan))
  if (movingFrom === undefined) return waiting
  const moved = await readMoved(disk, ledger, movingFrom)
  return unitsOf(waiting)
    .filter((unit) => !moved.has(textOf(unit.header, unit.body, unit.at)))
    .flatMap(({ of }) => of)
}

/** As an entry; it has no line yet. */
export const toEntry = ({ header, body, at }: Waiting): LedgerEntry => ({
  ...header,
  ...body,
  ...{ ledger: ledgerVersion, line: 0, previous: '', at },
})

/** Appends one entry; durable when it resolves. @throws `disk-full`, `disk-refused`, `disk-error` */
export async function wait(
  disk: Disk,
  ledger: string,
  plan: string,
  waiting: Waiting,
): Promise<LedgerEntry> {
  await append(disk, fileOf(ledger, plan), { ...waiting })
  return toEntry(waiting)
}

/**
 * Whether a run of `header` that begins at `at` may join what waits.
 * @param at ISO 8601
 */
export async function mayJoin(
  disk: Disk,
  ledger: string,
  { plan, planSha256, gitCommit }: RunHeader,
  at: string,
): Promise<boolean> {
  const { waiting, movingFrom, bytes, isDamaged } = await readJournal(disk, fileOf(ledger, plan))
  if (movingFrom !== undefined || bytes > fullBytes || isDamaged) return false
  return runsOf(waiting).every(
    ({ entries, passed }) =>
      passed !== undefined &&
      entries.every(
        ({ header, at: then }) =>
          header.planSha256 === planSha256 &&
          header.gitCommit === gitCommit &&
          then.slice(0, 13) === at.slice(0, 13),
      ),
  )
}

/**
 * Moves all that waits into the ledger, sums and single entries; signs each sum, as runs are, where there is a key.
 * @returns how many lines were written
 * @throws as `Ledger.append`; what was not moved still waits
 */
export async function moveWaiting(
  disk: Disk,
  ledger: Ledger,
  plan: string,
  signer: Signer | undefined,
): Promise<number> {
  const file = fileOf(ledger.file, plan)
  const { waiting, movingFrom, isDamaged } = await readJournal(disk, file)
  const keptAs = isDamaged ? await unusedName(disk, file) : undefined
  if (waiting.length === 0) {
    await remove(disk, file, keptAs)
    return 0
  }
  const from = movingFrom ?? (await sizeOf(disk, ledger.file))
  if (movingFrom === undefined && !isDamaged) await append(disk, file, { movingFrom: from })
  const moved = movingFrom === undefined ? new Set() : await readMoved(disk, ledger.file, from)
  let lines = 0
  for (const { header, body, at } of unitsOf(waiting)) {
    if (moved.has(textOf(header, body, at))) continue
    await ledger.append(header, body, at)
    lines += 1
    if (signer !== undefined && body.kind === 'runs-summed') await ledger.sign(header, signer)
  }
  const { header } = waiting.at(-1) ?? {}
  if (keptAs !== undefined && header !== undefined) await ledger.append(header, damaged(keptAs))
  await remove(disk, file, keptAs)
  return lines
}

const damaged = (keptAs: string): LedgerBody => ({
  ...{ kind: 'remark', breaks: false },
  remark: 'what waited for the ledger was damaged; the lines behind the damage are in none',
  details: { keptAs: path.basename(keptAs) },
})

async function unusedName(disk: Disk, file: string): Promise<string> {
  for (let number = 1; ; number++) {
    const name = `${file}.damaged-${number}`
    if ((await disk.stat(name)) === undefined) return name
  }
}

/** What becomes one line, and the entries it is made of. */
interface Unit {
  readonly header: RunHeader
  readonly body: LedgerBody | RunsSummed
  readonly at: string
  readonly of: readonly Waiting[]
}

/** The lines that what waits becomes: the same for the same journal. */
function unitsOf(waiting: readonly Waiting[]): Unit[] {
  const units: Unit[] = []
  let passed: WaitingRun[] = []
  const close = () => {
    units.push(...sumsOf(passed))
    passed = []
  }
  for (const run of runsOf(waiting)) {
    if (run.passed !== undefined) {
      if (aboutOf(run) !== aboutOf(passed[0] ?? run)) close()
      passed.push(run)
      continue
    }
    close()
    units.push(...run.entries.map((each) => ({ ...each, of: [each] })))
  }
  close()
  return units
}

function sumsOf(runs: readonly WaitingRun[]): Unit[] {
  const [first] = runs
  const started = first?.entries[0]?.body
  if (started?.kind !== 'run-started') return []
  const { sequence, planFile, version } = started
  const summable = runs.flatMap(({ passed }) => (passed === undefined ? [] : [passed]))
  return sumRuns({ sequence, planFile, version }, summable).flatMap(({ body, runs: summed }) => {
    const of = runs.filter(({ passed }) => passed !== undefined && summed.includes(passed))
    const header = of.at(-1)?.entries[0]?.header
    const at = summed.at(-1)?.endedAt
    return header === undefined || at === undefined
      ? []
      : [{ header, body, at, of: of.flatMap(({ entries }) => entries) }]
  })
}

interface WaitingRun {
  readonly entries: readonly Waiting[]
  /** Present when it passed. */
  readonly passed?: SummableRun
}

function runsOf(waiting: readonly Waiting[]): WaitingRun[] {
  const runs = new Map<string, Waiting[]>()
  for (const each of waiting) {
    const known = runs.get(each.header.run)
    if (known === undefined) runs.set(each.header.run, [each])
    else known.push(each)
  }
  return [...runs.values()].map((entries) => {
    const passed = passedOf(entries)
    return { entries, ...(passed && { passed }) }
  })
}

/** A run whose entries say no more than that it passed, and what its steps left. */
function passedOf(entries: readonly Waiting[]): SummableRun | undefined {
  const [first] = entries
  const started = first?.body
  const ended = entries.at(-1)?.body
  if (first === undefined || started?.kind !== 'run-started') return undefined
  if (ended?.kind !== 'run-ended' || ended.outcome !== 'passed') return undefined
  const records: StepRecord[] = []
  for (const { body } of entries.slice(1, -1)) {
    if (body.kind === 'step') records.push(body.record)
    else if (body.kind !== 'step-started') return undefined
  }
  const { run } = first.header
  const { startedAt, endedAt, durationMs } = ended
  return { run, at: startedAt, dueAt: started.dueAt ?? first.at, endedAt, durationMs, records }
}

/** What all runs of a sum share beside their shape. */
function aboutOf({ entries: [first] }: WaitingRun): string {
  if (first?.body.kind !== 'run-started') return ''
  const { sequence, planFile, version } = first.body
  const { planSha256, gitCommit } = first.header
  return canonicalJson({ sequence, planFile, version, planSha256, gitCommit })
}

const textOf = (header: RunHeader, body: object, at: string): string =>
  canonicalJson({ ...header, ...body, at })

/**
 * The lines behind a byte of the ledger, as {@link textOf} has them. Some before it too: what a crash
 * had left of a line stood there, and was cut off.
 */
async function readMoved(disk: Disk, ledger: string, byte: number): Promise<Set<string>> {
  const texts = new Set<string>()
  const size = await sizeOf(disk, ledger)
  const from = Math.max(0, byte - maxLineBytes)
  if (size <= from) return texts
  const handle = await disk.open(ledger, 'read')
  try {
    const bytes = Buffer.alloc(size - from)
    const read = await handle.read(bytes, from)
    for (const text of bytes.subarray(0, read).toString('utf8').split('\n')) {
      const value = parsed(text)
      if (value === undefined) continue
      const { ledger: _, line: __, previous: ___, ...rest } = value
      texts.add(canonicalJson(rest))
    }
  } finally {
    await handle.close()
  }
  return texts
}

async function readJournal(disk: Disk, file: string): Promise<Journal> {
  let all: Buffer
  try {
    all = await disk.readFile(file, maxBytes)
  } catch (error) {
    if (isOperatingError(error, 'file-not-found')) {
      return { waiting: [], bytes: 0, isDamaged: false }
    }
    throw error
  }
  const waiting: Waiting[] = []
  let movingFrom: number | undefined
  let bytes = 0
  for (let end = all.indexOf(lineFeed); end >= 0; end = all.indexOf(lineFeed, bytes)) {
    const value = parsed(all.toString('utf8', bytes, end))
    if (value === undefined) break // what a power cut left of the last line
    bytes = end + 1
    const from = value['movingFrom']
    if (typeof from === 'number') movingFrom ??= from
    // a whole line is one that `wait` wrote
    else waiting.push(value as unknown as Waiting)
  }
  const isDamaged =
    all.indexOf(lineFeed, bytes) >= 0 && all.indexOf(lineFeed, bytes) < all.length - 1
  return { waiting, bytes, isDamaged, ...(movingFrom !== undefined && { movingFrom }) }
}

function parsed(text: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return isJsonObject(value) ? value : undefined
  } catch {
    return undefined
  }
}

async function append(disk: Disk, file: string, value: object): Promise<void> {
  const { bytes } = await readJournal(disk, file)
  if ((await disk.stat(file)) === undefined) {
    await makeDurableDirectory(disk, path.dirname(file))
    await writeNewFile(disk, file, Buffer.alloc(0))
    await disk.syncDirectory(path.dirname(file))
  }
  const handle = await disk.open(file, 'append')
  try {
    await handle.truncate(bytes)
    await handle.write(Buffer.from(`${canonicalJson(value)}\n`), bytes)
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** One that is damaged is kept under another name. */
async function remove(disk: Disk, file: string, keptAs: string | undefined): Promise<void> {
  if ((await disk.stat(file)) === undefined) return
  if (keptAs === undefined) await disk.unlink(file)
  else await disk.rename(file, keptAs)
  await disk.syncDirectory(path.dirname(file))
}

const sizeOf = async (disk: Disk, file: string): Promise<number> =>
  (await disk.stat(file))?.sizeBytes ?? 0

/**
 * Anchors: the ledger's head, put where whoever can change the ledger cannot change it.
 *
 * One immutable object a run, at `ledger-anchors/<plan>/<ledger>/<line>-<sha256>.json` of a destination. The
 * ledger is named by the SHA-256 of its first line, so that one that took the place of another shows. Line and
 * hash stand in the name: a listing is enough to hold a ledger against all of them. The value says the
 * same again with time and run, and is signed where the ledger is. It is put where nothing stands, and locked where
 * the destination locks what it keeps.
 */
import {
  canonicalJson,
  type Destination,
  type Disk,
  isOperatingError,
  type LockPolicy,
  replaceFile,
  type Signer,
} from '../../engine/index.ts'
import { ledgerAnchors, toLock } from '../../engine/operations.ts'
import { hashLine, type LineBefore, maxLineBytes } from './ledger-line.ts'
import type { LedgerProblem } from './ledger-reader.ts'

const digits = 12
const lineFeed = 0x0a

export interface Anchor extends LineBefore {
  readonly key: string
  /** SHA-256 of the ledger's first line. */
  readonly ledger: string
}

export interface AnchorRequest {
  readonly plan: string
  readonly run: string
  /** Epoch milliseconds. */
  readonly at: number
  readonly head: LineBefore
  /** SHA-256 of the ledger's first line. */
  readonly ledger: string
  readonly signer?: Signer
  readonly lockPolicy?: LockPolicy
}

/**
 * Puts an anchor; durable when it resolves. One that stands stays.
 * @throws what the destination throws: `unreachable`, `credential-refused`, `unsupported-destination`, …
 */
export async function putAnchor(
  destination: Destination,
  { plan, run, at, head, ledger, signer, lockPolicy }: AnchorRequest,
): Promise<Anchor> {
  const { line, sha256 } = head
  const unsigned = {
    anchor: 1,
    ...{ plan, run, ledger, line, sha256 },
    at: new Date(at).toISOString(),
  }
  const signature = signer?.sign('ledger-anchor', Buffer.from(canonicalJson(unsigned)))
  const text = canonicalJson({ ...unsigned, ...signature })
  const key = `${ledgerAnchors}/${plan}/${ledger}/${String(line).padStart(digits, '0')}-${sha256}.json`
  await destination.put(key, Buffer.from(`${text}\n`), {
    ifAbsent: true,
    ...(lockPolicy && { lock: toLock(lockPolicy, at) }),
  })
  await destination.flush()
  return { key, ledger, line, sha256 }
}

/** The anchors of all ledgers that the plan ever had there, by ledger, oldest first. */
export async function listAnchors(destination: Destination, plan: string): Promise<Anchor[]> {
  const anchors: Anchor[] = []
  for await (const { key } of destination.list(`${ledgerAnchors}/${plan}/`)) {
    const [, ledger, line, sha256] =
      /\/([0-9a-f]{64})\/([0-9]{12})-([0-9a-f]{64})\.json$/.exec(key) ?? []
    if (ledger === undefined || line === undefined || sha256 === undefined) continue
    anchors.push({ key, ledger, line: Number(line), sha256 })
  }
  return anchors
}

/** Holds lines against the anchors of their ledger, in order. */
export class AnchorBook {
  readonly #byLine = new Map<number, Anchor[]>()
  #ledger: string | undefined
  #anchors: readonly Anchor[]
  #matched = 0
  #throughLine = 0
  #problem: LedgerProblem | undefined

  constructor(anchors: readonly Anchor[]) {
    this.#anchors = anchors
  }

  /** The next proven line. */
  read({ line, sha256 }: LineBefore): void {
    if (this.#ledger === undefined) this.#begin(sha256)
    for (const anchor of this.#byLine.get(line) ?? []) {
      if (anchor.sha256 === sha256) {
        this.#matched += 1
        this.#throughLine = line
        continue
      }
      const since = this.#throughLine === 0 ? 'its start' : `line ${this.#throughLine}`
      const reason = `it is not the line that ${anchor.key} holds: something behind ${since} was changed`
      this.#problem ??= { line, reason }
    }
    this.#byLine.delete(line)
  }

  #begin(ledger: string): void {
    this.#ledger = ledger
    for (const anchor of this.#anchors.filter((each) => each.ledger === ledger)) {
      const known = this.#byLine.get(anchor.line)
      if (known === undefined) this.#byLine.set(anchor.line, [anchor])
      else known.push(anchor)
    }
  }

  /** @param last the last line of the ledger */
  conclude(last: LineBefore): AnchoredLines {
    const beyond = [...this.#byLine.values()].flat().sort((a, b) => a.line - b.line)[0]
    const others = new Map<string, Anchor>()
    for (const anchor of this.#anchors) {
      if (anchor.ledger !== this.#ledger) others.set(anchor.ledger, anchor)
    }
    const problem =
      this.#problem ??
      (beyond && {
        line: last.line + 1,
        reason: `it is missing: ${beyond.key} says that there were ${beyond.line} lines`,
      })
    return {
      anchors: this.#matched,
      throughLine: this.#throughLine,
      others: [...others.values()],
      ...(problem && { problem }),
    }
  }
}

export interface AnchoredLines {
  /** That fit. */
  readonly anchors: number
  /** The last line that one of them holds; 0 when there is none. */
  readonly throughLine: number
  /** The newest anchor of each other ledger that this plan had. */
  readonly others: readonly Anchor[]
  readonly problem?: LedgerProblem
}

/** Of the ledger's first line; undefined while it has none. */
export async function firstLineOf(disk: Disk, ledger: string): Promise<string | undefined> {
  try {
    const handle = await disk.open(ledger, 'read')
    try {
      const chunk = Buffer.alloc(64 * 1024)
      let held = Buffer.alloc(0)
      for (;;) {
        const read = await handle.read(chunk, held.length)
        held = Buffer.concat([held, chunk.subarray(0, read)])
        const end = held.indexOf(lineFeed)
        if (end >= 0) return hashLine(held.subarray(0, end))
        if (read === 0 || held.length > maxLineBytes) return undefined
      }
    } finally {
      await handle.close()
    }
  } catch (error) {
    if (isOperatingError(error, 'file-not-found')) return undefined
    throw error
  }
}

const noteOf = (ledger: string): string => `${ledger}.anchored`

/** Up to which line the ledger was anchored last, as this machine remembers it; 0 when it does not. */
export async function anchoredLine(disk: Disk, ledger: string): Promise<number> {
  try {
    const value = JSON.parse((await disk.readFile(noteOf(ledger), 4096)).toString('utf8'))
    return Number.isSafeInteger(value?.line) ? value.line : 0
  } catch {
    return 0 // then it is anchored again
  }
}

/** Remembers it beside the ledger. */
export async function noteAnchored(disk: Disk, ledger: string, anchor: Anchor): Promise<void> {
  const { key, line, sha256 } = anchor
  const text = canonicalJson({ anchored: 1, ...{ key, line, sha256 } })
  await replaceFile(disk, noteOf(ledger), Buffer.from(`${text}\n`))
}

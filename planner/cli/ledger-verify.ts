/** `ledger verify PLAN`: proves the ledger by chain, signatures and anchors, or names the first line that does not fit. */
import type { Command } from 'commander'
import { fail } from '../../engine/index.ts'
import type { AnchoredLines } from '../ledger/anchors.ts'
import type { LedgerProblem, ProvenStart } from '../ledger/ledger-reader.ts'
import type { SignedLines } from '../ledger/signatures.ts'
import type { Plan } from '../plan/plan.ts'
import { showCount } from '../step/quantity.ts'
import type { Context } from './context.ts'
import { openPlan } from './open-plan.ts'
import { examples, type Runner } from './runner.ts'
import { shownPath } from './shown-path.ts'
import { firstProblem, refuseUnsigned } from './signed-ledger.ts'
import { statePaths } from './state.ts'
import { trustedKeys } from './trusted-keys.ts'

export function addLedgerVerify(ledger: Command, run: Runner): void {
  ledger
    .command('verify')
    .description(
      'prove that no line was changed, inserted, removed, moved or cut off; exit 13 else',
    )
    .argument('<plan>', 'plan file, or an export of a ledger (.jsonl)')
    .option(
      '--trust <keys...>',
      "public keys that may sign, or files of them (default: the plan's)",
    )
    .option('--expect-head <hash>', 'SHA-256 that a line must have, such as a head of last month')
    .option('--restarted', 'the plan had other ledgers before, and their anchors are no finding')
    .addHelpText(
      'after',
      examples(
        'ledger verify plans/quickstart.yaml',
        'ledger verify plans/shop.yaml --expect-head 5f0c6b7e…',
        'ledger verify run.jsonl --trust ledger.pub',
      ),
    )
    .action(run(verify))
}

interface VerifyFlags {
  readonly trust?: readonly string[]
  readonly expectHead?: string
  readonly restarted?: true
}

interface Wanted {
  readonly file: string
  /** As people name it. */
  readonly name: string
  readonly trusted: readonly string[]
  readonly plan?: Plan
  /** Of an export. */
  readonly start?: ProvenStart
}

async function verify(context: Context, argument: string, flags: VerifyFlags) {
  const { expectHead } = flags
  if (expectHead !== undefined && !/^[0-9a-f]{64}$/.test(expectHead)) {
    fail('usage', '--expect-head is no SHA-256', 'Give 64 digits as "ledger verify" printed them.')
  }
  const wanted = await (argument.endsWith('.jsonl')
    ? ofExport(context, argument, flags)
    : ofPlan(context, argument, flags))
  return prove(context, wanted, flags)
}

async function ofPlan(context: Context, argument: string, flags: VerifyFlags): Promise<Wanted> {
  const plan = await openPlan(context, argument)
  const { ledger: file } = statePaths(plan, context.state)
  if ((await context.io.disk.stat(file)) === undefined) {
    const { readHead } = await import('../ledger/ledger-head.ts')
    const isNew = (await readHead(context.io.disk, file)) === 'missing'
    if (isNew && plan.ledger.anchor === undefined && flags.expectHead === undefined) {
      fail('file-not-found', `there is no ledger at ${file}`, 'It is begun by the first run.', {
        place: { file },
      })
    }
  }
  return { file, name: argument, plan, trusted: await trustedKeys(context, flags.trust, plan) }
}

async function ofExport(context: Context, file: string, flags: VerifyFlags): Promise<Wanted> {
  const { startOfExport } = await import('../ledger/ledger-export.ts')
  const start = await startOfExport(context.io.disk, file)
  return { file, name: file, start, trusted: await trustedKeys(context, flags.trust) }
}

async function prove(context: Context, wanted: Wanted, flags: VerifyFlags) {
  const { disk } = context.io
  const { file, name, trusted, plan, start } = wanted
  const [{ walkLines }, { SignatureBook }, { AnchorBook }] = await Promise.all([
    import('../ledger/ledger-reader.ts'),
    import('../ledger/signatures.ts'),
    import('../ledger/anchors.ts'),
  ])
  const signatures = new SignatureBook(trusted)
  const anchors = new AnchorBook(await anchorsOf(context, plan))
  const expected: { line?: number } = {}
  const proof = await walkLines(
    disk,
    file,
    (entry, sha256) => {
      signatures.read(entry)
      anchors.read({ line: entry.line, sha256 })
      if (sha256 === flags.expectHead) expected.line = entry.line
    },
    start,
  )
  const { last } = proof
  const signed = signatures.signed()
  const anchored = anchors.conclude(last)
  const remarks = start === undefined ? proof.remarks : [] // an export has no head
  for (const remark of remarks) await context.remark(`remark: ${remark}`)
  const problem = firstProblem(
    proof.problem,
    signed.problem,
    anchored.problem,
    replaced(anchored, flags),
    unexpected(flags.expectHead, expected.line, last.line),
  )
  if (problem !== undefined) refuse(file, name, problem)
  refuseUnsigned(file, trusted, signed, flags.trust !== undefined)
  const lines = start === undefined ? last.line : last.line - start.last.line
  await context.confirm(
    `${shownPath(file)} holds: ${showCount(lines, 'line')}, head ${last.sha256}`,
  )
  const told = tellProof(last.line, trusted, signed, anchored, plan)
  for (const each of told) await context.confirm(each)
  return {
    ledger: file,
    lines,
    head: last.sha256,
    ...(expected.line !== undefined && { expectedHeadLine: expected.line }),
    signatures: {
      trusted,
      count: signed.signatures,
      throughLine: signed.throughLine,
      unsignedRuns: signed.unsignedRuns,
      strangers: signed.strangers,
    },
    ...(plan?.ledger.anchor !== undefined && {
      anchors: {
        destination: plan.ledger.anchor,
        count: anchored.anchors,
        throughLine: anchored.throughLine,
        otherLedgers: anchored.others,
      },
    }),
    remarks,
  }
}

async function anchorsOf({ io }: Context, plan: Plan | undefined) {
  const destination = plan?.destinations.get(plan.ledger.anchor ?? '')
  if (plan === undefined || destination === undefined) return []
  const [{ openDestination }, { listAnchors }] = await Promise.all([
    import('../../engine/operations.ts'),
    import('../ledger/anchors.ts'),
  ])
  return listAnchors(openDestination(destination.url, io.disk), plan.name)
}

/** Another ledger was anchored under the plan's name. */
function replaced(
  { others }: AnchoredLines,
  { restarted }: VerifyFlags,
): LedgerProblem | undefined {
  const [other] = others
  if (other === undefined || restarted) return undefined
  const what = `${other.key} is of another ledger of this plan, with ${showCount(other.line, 'line')}`
  const reason = `${what}: this one took its place (or was begun on purpose: --restarted)`
  return { line: 1, reason }
}

function unexpected(
  wanted: string | undefined,
  found: number | undefined,
  lines: number,
): LedgerProblem | undefined {
  if (wanted === undefined || found !== undefined) return undefined
  const reason = `no line up to ${lines} has the hash ${wanted}: the end was cut off, or the ledger replaced`
  return { line: lines + 1, reason }
}

function refuse(file: string, name: string, { line, reason }: LedgerProblem): never {
  return fail(
    'ledger-broken',
    `line ${line} of ${file} does not fit: ${reason}`,
    `Compare the file with a copy or a backup of it; "vectra-dr ledger show ${name}" shows the lines before.`,
    { place: { file, line } },
  )
}

/** What is proven beyond the chain, and what is not. */
function tellProof(
  lines: number,
  trusted: readonly string[],
  { signatures, throughLine, unsignedRuns, strangers }: SignedLines,
  anchored: AnchoredLines,
  plan: Plan | undefined,
): string[] {
  const told: string[] = []
  const open = (through: number, what: string): string =>
    through < lines ? `; ${what} lines ${through + 1} to ${lines}` : ''
  if (trusted.length > 0) {
    const behind = open(throughLine, 'no signature covers')
    told.push(`${showCount(signatures, 'signature')} by a trusted key${behind}`)
  } else {
    told.push('no key is trusted: who wrote it is not proven')
  }
  for (const key of strangers) told.push(`signed as well by ${key}, which nobody named as trusted`)
  for (const { run, line } of unsignedRuns.slice(0, 10)) {
    told.push(`run ${run} has no signature of its own (its end is line ${line})`)
  }
  if (unsignedRuns.length > 10) told.push(`and ${unsignedRuns.length - 10} more runs`)
  if (plan?.ledger.anchor !== undefined) {
    const behind = open(anchored.throughLine, 'no anchor holds')
    told.push(`${showCount(anchored.anchors, 'anchor')} at ${plan.ledger.anchor}${behind}`)
  }
  return told
}

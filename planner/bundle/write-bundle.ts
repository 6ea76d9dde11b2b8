/**
 * The bundle: report, plan, ledger and evidence in one ZIP file that somebody checks without us. The same
 * report over the same state gives the same bytes.
 *
 * The ledger is in it from its first line on: a report over a window rests on what was copied before it,
 * and a chain is proven from its start.
 */
import * as path from 'node:path'
import { type Disk, fail, sha256Hex } from '../../engine/index.ts'
import type { Audit } from '../audit/audit.ts'
import { exportLines } from '../ledger/ledger-export.ts'
import type { LedgerProof } from '../ledger/ledger-reader.ts'
import { unfold } from '../ledger/sum.ts'
import { planLimits } from '../plan/limits.ts'
import type { Plan } from '../plan/plan.ts'
import { bundleReadme, toPem } from './bundle-readme.ts'
import { EvidenceBook } from './evidence-files.ts'
import { ZipFile } from './zip.ts'

export interface BundleRequest {
  readonly disk: Disk
  readonly plan: Plan
  readonly audit: Audit
  /** What the report says first. */
  readonly lead: string
  /** By file name. */
  readonly reports: ReadonlyMap<string, string>
  readonly ledger: string
  readonly stateDirectory: string
  /** Public keys that sign the ledger. */
  readonly trusted: readonly string[]
}

export interface Bundle {
  readonly bytes: Buffer
  /** Of the ledger; whoever writes the bundle sees to it that it holds. */
  readonly proof: LedgerProof
  readonly head: string | null
  readonly files: number
  /** Artefacts by what became of them. */
  readonly evidence: {
    readonly included: number
    readonly differing: readonly string[]
    readonly missing: readonly string[]
    readonly elsewhere: readonly string[]
  }
}

/** @throws `usage` when the plan file changed since it was read */
export async function makeBundle(request: BundleRequest): Promise<Bundle> {
  const { disk, plan, audit, trusted } = request
  const zip = new ZipFile()
  for (const [name, text] of request.reports) zip.add(`report/${name}`, Buffer.from(text))
  const planFile = path.basename(plan.file)
  zip.add(`plan/${planFile}`, await planBytes(disk, plan))
  for (const [index, key] of trusted.entries()) {
    zip.add(`keys/${index + 1}.pem`, Buffer.from(toPem(key)))
  }

  const book = new EvidenceBook()
  const to = Date.parse(audit.window.to)
  const entry = zip.begin('state/ledger.jsonl')
  const { proof, exported } = await exportLines(
    disk,
    request.ledger,
    (line) => {
      const wanted = unfold(line).some(({ at }) => Date.parse(at) <= to)
      if (wanted) book.read(line)
      return wanted
    },
    (bytes) => entry.write(bytes),
  )
  entry.end()

  const evidence = { included: 0, differing: [] as string[], missing: [] as string[] }
  for await (const file of book.files(disk, request.stateDirectory)) {
    if (file.bytes === undefined) evidence.missing.push(file.artefact)
    else if (file.fits) {
      zip.add(`state/${file.artefact}`, file.bytes)
      evidence.included++
    } else {
      // it is no evidence, and may be anything that lies behind that path now
      evidence.differing.push(`${file.artefact} (ledger line ${file.line})`)
    }
  }
  const { elsewhere } = book
  const readme = bundleReadme({
    ...{ plan, planFile, window: audit.window, lead: request.lead, lines: exported, trusted },
    ...{ ...evidence, evidence: evidence.included, elsewhere },
  })
  zip.add('README.md', Buffer.from(readme))
  const sums = zip.files.map(({ name, sha256 }) => `${sha256}  ${name}\n`).join('')
  zip.add('SHA256SUMS', Buffer.from(sums))
  return {
    bytes: zip.finish(),
    proof,
    head: exported?.head ?? null,
    files: zip.files.length,
    evidence: { ...evidence, elsewhere },
  }
}

async function planBytes(disk: Disk, plan: Plan): Promise<Buffer> {
  const bytes = await disk.readFile(plan.file, planLimits.fileBytes)
  if (sha256Hex(bytes) === plan.sha256) return bytes
  return fail('usage', `${plan.file} has changed since it was read`, 'Run the command again.', {
    place: { file: plan.file },
  })
}

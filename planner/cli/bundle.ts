/** `audit --bundle FILE`: writes the evidence into one file, and says what of it is not as the ledger has it. */
import { OperatingError, writeNewFile } from '../../engine/index.ts'
import type { Audit } from '../audit/audit.ts'
import type { Plan } from '../plan/plan.ts'
import type { Report } from '../report/report.ts'
import { showBytes, showCount } from '../step/quantity.ts'
import type { Context } from './context.ts'
import { proven } from './read-proven-ledger.ts'
import { statePaths } from './state.ts'
import { trustedKeys } from './trusted-keys.ts'

/** @throws `file-exists`; `damaged`, once it is written, when evidence is not what the ledger says */
export async function writeBundle(
  context: Context,
  file: string,
  { plan, audit, report, trust }: BundleOptions,
) {
  const { disk } = context.io
  const [{ makeBundle }, { leadOf }, { toCsv }, { toOscal }] = await Promise.all([
    import('../bundle/write-bundle.ts'),
    import('../report/story.ts'),
    import('../report/csv.ts'),
    import('../report/oscal.ts'),
  ])
  const oscal = toOscal(audit)
  const state = statePaths(plan, context.state)
  const bundle = await makeBundle({
    ...{ disk, plan, audit, lead: leadOf(audit) },
    reports: new Map([
      ['report.html', report.html],
      ['report.md', report.markdown],
      ['report.json', report.json],
      ['report.csv', toCsv(audit)],
      ...(oscal === undefined ? [] : ([['report.oscal.json', oscal]] as const)),
    ]),
    ledger: state.ledger,
    stateDirectory: state.directory,
    trusted: await trustedKeys(context, trust, plan),
  })
  await proven(context, plan.file, bundle.proof)
  await writeNewFile(disk, file, bundle.bytes)
  const { evidence, files, head, bytes } = bundle
  await context.confirm(`${file}: ${showCount(files, 'file')}, ${showBytes(bytes.length)}`)
  for (const name of evidence.missing) {
    await context.remark(`remark: ${name} is gone; the ledger names it as evidence`)
  }
  const [first] = evidence.differing
  if (first !== undefined) {
    throw new OperatingError(
      'damaged',
      `${showCount(evidence.differing.length, 'artefact')} of the evidence changed since, the first one ${first}`,
      `${file} was written without them and says so. Find out who changed them; a backup of the state directory has what they were.`,
    )
  }
  return { file, files, head, evidence }
}

export interface BundleOptions {
  readonly plan: Plan
  readonly audit: Audit
  readonly report: Report
  readonly trust: readonly string[] | undefined
}

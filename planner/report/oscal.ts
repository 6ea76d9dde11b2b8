/**
 * An audit as OSCAL assessment results (NIST, Open Security Controls Assessment Language 1.1, JSON):
 * https://pages.nist.gov/OSCAL/reference/latest/assessment-results/json-outline/ . Pure; identifiers are UUIDs of
 * version 5, made from names, so that the same audit has the same ones.
 *
 * Each statement of evidence is an *observation*, each control a *finding*, each thing to put right a *risk*.
 * `satisfied` says that all evidence which this audit can give supports the control, and no more.
 */
import { createHash } from 'node:crypto'
import type { Audit } from '../audit/audit.ts'
import type { ControlReport } from '../audit/controls.ts'
import type { EvidenceStatement } from '../audit/evidence.ts'
import type { AuditFinding } from '../audit/findings.ts'
import type { AuditSections } from '../audit/sections.ts'
import type { Framework } from '../plan/plan.ts'

const oscalVersion = '1.1.2'

/** RFC 9562, appendix A: names that are no URL, no host and no object identifier. */
const namespace = '6ba7b814-9dad-11d1-80b4-00c04fd430c8'

/** A UUID of version 5 (RFC 9562, section 5.5). */
export function uuidOf(...names: readonly string[]): string {
  const bytes = createHash('sha1')
    .update(Buffer.from(namespace.replaceAll('-', ''), 'hex'))
    .update(names.join('\n'))
    .digest()
    .subarray(0, 16)
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x50
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80
  const hex = bytes.toString('hex')
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    hex.slice(12, 16),
    hex.slice(16, 20),
    hex.slice(20),
  ].join('-')
}

const disclaimer =
  'Evidence computed from a plan and its ledger, not certification: whether a control is met is for an assessor to say.'

/** `undefined` when the plan names no framework: then there is no control to speak of. */
export function toOscal(audit: Audit): string | undefined {
  const { sections } = audit
  const [first, ...rest] = sections?.controls ?? []
  if (sections === undefined || first === undefined) return undefined
  return `${JSON.stringify({ 'assessment-results': resultsOf(audit, sections, [first, ...rest]) }, null, 2)}\n`
}

function resultsOf(audit: Audit, sections: AuditSections, controls: readonly ControlReport[]) {
  const { plan, window } = audit
  const id = (...names: readonly string[]): string =>
    uuidOf(plan.name, plan.sha256, window.from, window.to, String(audit.ledgerLines), ...names)
  const statements = new Map(
    controls
      .flatMap(({ supporting, missing }) => [...supporting, ...missing])
      .map((each) => [each.kind, each]),
  )
  const planId = id('plan')
  return {
    uuid: id('results'),
    metadata: {
      title: `Recovery audit of ${plan.name}`,
      'last-modified': audit.generatedAt,
      version: plan.sha256.slice(0, 16),
      'oscal-version': oscalVersion,
      remarks: disclaimer,
    },
    'import-ap': {
      href: `#${planId}`,
      remarks: 'The plan that is audited says what is tested, how and when.',
    },
    results: [
      {
        uuid: id('result'),
        title: `Evidence for ${plan.name}`,
        description: `What the ledger proves of the plan ${plan.name} from ${window.from} to ${window.to}.`,
        start: window.from,
        end: window.to,
        'reviewed-controls': {
          'control-selections': [
            { 'include-controls': controls.map((each) => ({ 'control-id': controlId(each) })) },
          ],
        },
        observations: [...statements.values()].map((each) => observation(each, audit, id)),
        ...(sections.findings.length > 0 && {
          risks: sections.findings.map((each) => risk(each, id)),
        }),
        findings: controls.map((each) => finding(each, id)),
        remarks: disclaimer,
      },
    ],
    'back-matter': {
      resources: [
        {
          uuid: planId,
          title: `Plan ${plan.name}`,
          rlinks: [
            { href: encodeURI(plan.file), hashes: [{ algorithm: 'SHA-256', value: plan.sha256 }] },
          ],
        },
      ],
    },
  }
}

type Identify = (...names: readonly string[]) => string

function observation(
  { kind, says, supports, lines }: EvidenceStatement,
  { generatedAt }: Audit,
  id: Identify,
) {
  return {
    uuid: id('observation', kind),
    title: kind,
    description: says,
    props: [{ name: 'supports', value: supports ? 'yes' : 'no' }],
    methods: ['TEST'],
    ...(lines.length > 0 && {
      'relevant-evidence': lines.map(({ run, line }) => ({
        description: `ledger line ${line}, run ${run}`,
      })),
    }),
    collected: generatedAt,
  }
}

const risk = (found: AuditFinding, id: Identify) => ({
  uuid: id('risk', found.id),
  title: found.id,
  description: found.message,
  statement: `Severity ${found.severity}; owner ${found.owner}; ${found.retest}.`,
  status: found.state,
  ...(found.dueAt !== null && { deadline: found.dueAt }),
})

function finding(control: ControlReport, id: Identify) {
  const { framework, control: name, state, asks, reference, supporting, missing } = control
  const told = [
    ...supporting.map(({ says }) => `Supports: ${says}.`),
    ...missing.map(({ says }) => `Missing: ${says}.`),
  ]
  return {
    uuid: id('finding', framework, name),
    title: `${framework} ${name}: ${state}`,
    description: told.join(' '),
    target: {
      type: 'objective-id',
      'target-id': controlId(control),
      description: `${asks} (${reference})`,
      status: { state: missing.length === 0 ? 'satisfied' : 'not-satisfied', remarks: disclaimer },
    },
    'related-observations': [...supporting, ...missing].map(({ kind }) => ({
      'observation-uuid': id('observation', kind),
    })),
  }
}

/** NIST's controls by the ids of its own catalogue, the others by ids of ours. */
const prefixes: Readonly<Record<Framework, string>> = {
  soc2: 'soc2-',
  iso22301: 'iso22301-',
  iso27001: 'iso27001-',
  'nist-800-53': '',
  dora: 'dora-',
}

const controlId = ({ framework, control }: ControlReport): string =>
  `${prefixes[framework]}${control.toLowerCase().replaceAll(' ', '-')}`

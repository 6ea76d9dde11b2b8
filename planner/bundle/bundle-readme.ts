/** The page of a bundle that says what it is, and how to check it with what every system has. Pure. */
import { shellLine } from '../compile/shell-words.ts'
import type { ExportedLines } from '../ledger/ledger-export.ts'
import type { Plan } from '../plan/plan.ts'
import { showCount } from '../step/quantity.ts'

export interface BundleFacts {
  readonly plan: Plan
  /** Name of the plan file in the bundle. */
  readonly planFile: string
  readonly window: { readonly from: string; readonly to: string }
  readonly lead: string
  readonly lines: ExportedLines | undefined
  /** Public keys that the signatures of the ledger are held against. */
  readonly trusted: readonly string[]
  readonly evidence: number
  /** Artefacts that do not have the SHA-256 that the ledger says. */
  readonly differing: readonly string[]
  readonly missing: readonly string[]
  readonly elsewhere: readonly string[]
}

/** Markdown. */
export function bundleReadme(facts: BundleFacts): string {
  const { plan, window, lead } = facts
  return `${[
    `# Recovery evidence of ${plan.name}`,
    `${lead} Window ${window.from} to ${window.to}.`,
    contents(facts),
    ...differences(facts),
    '## How to check it',
    'Nothing here has to be believed. Every command below needs only a POSIX shell, sha256sum and openssl.',
    '### The files are the ones that were put in\n\n    sha256sum --check SHA256SUMS',
    ...chain(facts),
    ...signature(facts),
    evidenceRecipe,
    recompute(facts),
  ].join('\n\n')}\n`
}

const contents = ({ planFile, lines, evidence }: BundleFacts): string =>
  [
    '| file | what it is |',
    '| --- | --- |',
    '| `report/` | the report, as a page to read and as data |',
    `| \`plan/${planFile}\` | the plan, as the report was made for it; contacts are named in it |`,
    ...(lines === undefined
      ? []
      : [
          `| \`state/ledger.jsonl\` | lines ${lines.from} to ${lines.to} of the ledger: everything that the report is computed from |`,
        ]),
    `| \`state/runs/\` | ${showCount(evidence, 'artefact')} that runs kept as evidence |`,
    '| `SHA256SUMS` | the hash of every other file |',
  ].join('\n')

function differences({ differing, missing, elsewhere }: BundleFacts): string[] {
  const list = (heading: string, names: readonly string[]) =>
    names.length === 0
      ? []
      : [`## ${heading}\n\n${names.map((name) => `- ${oneLine(name)}`).join('\n')}`]
  return [
    ...list(
      'Evidence that was changed, and is left out: its hash is not the one in the ledger',
      differing,
    ),
    ...list('Evidence that the ledger names and that is gone', missing),
    ...list('Evidence that lies elsewhere', elsewhere),
  ]
}

function chain({ lines }: BundleFacts): string[] {
  if (lines === undefined) return []
  return [
    `### No line of the ledger was changed, inserted, removed or moved

The SHA-256 of each line, without its line feed, is \`previous\` of the next. This prints the first line that does
not fit, or the head, which has to be ${lines.head}:

    previous=${lines.before.sha256}; number=0
    while IFS= read -r line; do
      number=$((number + 1))
      case $line in *"\\"previous\\":\\"$previous\\""*) ;; *) echo "line $number does not fit"; break ;; esac
      previous=$(printf %s "$line" | sha256sum | cut -d ' ' -f 1)
    done < state/ledger.jsonl
    echo "head $previous"`,
  ]
}

function signature({ lines, trusted }: BundleFacts): string[] {
  const [key] = trusted
  if (lines === undefined || !lines.isSigned || key === undefined) {
    return [
      '### Who wrote it\n\nThe last line is not signed by a key that is known here: the lines fit each other, and who wrote them is not proven.',
    ]
  }
  return [
    `### Who wrote it

The last line is a signature (Ed25519) of all lines before it. Compare \`keys/1.pem\` with the public key that you know
from elsewhere; a key in the same bundle proves nothing by itself.

    last=$(tail -n 1 state/ledger.jsonl)
    { printf 'vectra-dr ledger 1\\0'; printf %s "$last" | sed 's/,"signature":"[^"]*"//'; } > signed.bin
    printf %s "$last" | sed 's/.*"signature":"\\([^"]*\\)".*/\\1/' | openssl base64 -d -A > signature.bin
    openssl pkeyutl -verify -pubin -inkey keys/1.pem -rawin -in signed.bin -sigfile signature.bin`,
  ]
}

const evidenceRecipe = `### Evidence is what the ledger says

Each line about a step names its artefacts with their SHA-256. To look one up by its hash:

    sha256sum state/runs/*/*/*/* | while read -r hash file; do
      grep -q "\\"sha256\\":\\"$hash\\"" state/ledger.jsonl || echo "$file is not vouched for"
    done`

const recompute = ({ planFile, window }: BundleFacts): string =>
  `### The figures follow from the ledger

With Vectra DR at hand, the same plan and ledger give the same report, byte for byte. Variables that the plan asks for
need some value; none of them is used.

    ${shellLine(['vectra-dr', 'audit', `plan/${planFile}`, '--state', 'state', '--from', window.from, '--to', window.to, '--format', 'json'])} | cmp - report/report.json`

const oneLine = (text: string): string => text.replace(/[\p{Cc}\p{Zl}\p{Zp}]/gu, ' ')

/** A public key in the form that openssl reads. @param publicKey base64 of its SubjectPublicKeyInfo */
export const toPem = (publicKey: string): string =>
  `-----BEGIN PUBLIC KEY-----\n${publicKey}\n-----END PUBLIC KEY-----\n`

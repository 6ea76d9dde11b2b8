/** `ledger export PLAN`: the lines of a run or a window, in a file that can be checked alone. */
import type { Command } from 'commander'
import { fail, writeNewFile } from '../../engine/index.ts'
import type { LedgerLine } from '../ledger/ledger-line.ts'
import { unfold } from '../ledger/sum.ts'
import { showCount } from '../step/quantity.ts'
import type { Context } from './context.ts'
import { openPlan } from './open-plan.ts'
import { instantOption } from './options.ts'
import { proven } from './read-proven-ledger.ts'
import { examples, type Runner } from './runner.ts'
import { statePaths } from './state.ts'

export function addLedgerExport(ledger: Command, run: Runner): void {
  ledger
    .command('export')
    .description('write the lines of a run or a window, in a form that can be checked alone')
    .argument('<plan>', 'plan file')
    .option('--run <id>', 'those of this run')
    .option('--from <instant>', 'those written since', instantOption)
    .option('--to <instant>', 'those written until', instantOption)
    .option('--out <file>', 'a new .jsonl file (default: print them)')
    .addHelpText('after', `${recipe}\n${examplesText}`)
    .action(run(exportLedger))
}

const recipe = `
The lines are those of the ledger, byte for byte and without a gap, up to the next signature. To check them:
  vectra-dr ledger verify FILE.jsonl --trust PUBLIC-KEY
or by hand: SHA-256 of a line without its line feed is "previous" of the next one; the last line, without its
"signature" member, behind the text "vectra-dr ledger 1" and a zero byte, is what its Ed25519 signature is of.`

const examplesText = examples(
  'ledger export plans/shop.yaml --run 20261123-020207-7f3a --out run.jsonl',
  'ledger export plans/shop.yaml --from 2026-07-01T00:00:00Z --to 2026-10-01T00:00:00Z --out q3.jsonl',
)

interface ExportFlags {
  readonly run?: string
  readonly from?: number
  readonly to?: number
  readonly out?: string
}

async function exportLedger(context: Context, file: string, flags: ExportFlags) {
  const { disk } = context.io
  const { out } = flags
  if (out !== undefined && !out.endsWith('.jsonl')) {
    fail('usage', `--out ${out} does not end in .jsonl`, 'Lines of JSON: name it FILE.jsonl.')
  }
  if (out === undefined && context.json) {
    fail('usage', '--json needs --out', 'The lines go to the file, and the summary to the output.')
  }
  const plan = await openPlan(context, file)
  const { ledger } = statePaths(plan, context.state)
  const { exportLines } = await import('../ledger/ledger-export.ts')
  const parts: Buffer[] = []
  const { proof, exported } = await exportLines(disk, ledger, wantedBy(flags), (bytes) =>
    parts.push(bytes),
  )
  await proven(context, file, proof)
  if (exported === undefined) {
    return fail(
      'name-not-found',
      flags.run === undefined
        ? 'the ledger has no line in the window'
        : `the ledger has no run ${flags.run}`,
      `"vectra-dr ledger show ${file}" lists its runs.`,
    )
  }
  const { from, to, isSigned } = exported
  if (out === undefined) await context.io.stdout.write(Buffer.concat(parts).toString('utf8'))
  else await writeNewFile(disk, out, Buffer.concat(parts))
  if (!isSigned) {
    await context.remark(
      'remark: no signature follows: the lines fit each other, and who wrote them is not proven',
    )
  }
  if (out !== undefined) {
    await context.confirm(`${out}: ${showCount(to - from + 1, 'line')}, ${from} to ${to}`)
  }
  return { ledger, ...(out !== undefined && { out }), ...exported }
}

const wantedBy =
  ({ run, from = Number.NEGATIVE_INFINITY, to = Number.POSITIVE_INFINITY }: ExportFlags) =>
  (line: LedgerLine): boolean =>
    unfold(line).some((entry) => {
      const at = Date.parse(entry.at)
      return (run === undefined || entry.run === run) && at >= from && at <= to
    })

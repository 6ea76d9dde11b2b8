/** `runbook PLAN`: the page for people, printed, written, or compared with the one that was written before. */
import * as path from 'node:path'
import { type Command, Option } from 'commander'
import { isOperatingError, OperatingError, replaceFile } from '../../engine/index.ts'
import type { LedgerEntry } from '../ledger/ledger-line.ts'
import type { Plan } from '../plan/plan.ts'
import type { Found } from '../runbook/found.ts'
import type { RunbookFormat } from '../runbook/runbook.ts'
import type { Context } from './context.ts'
import { openWithStandIns } from './open-with-stand-ins.ts'
import { readProvenLedger } from './read-proven-ledger.ts'
import { examples, type Runner } from './runner.ts'
import { shownPath } from './shown-path.ts'
import { statePaths } from './state.ts'

interface RunbookFlags {
  readonly out?: string
  readonly format: RunbookFormat
  readonly check?: true
}

/** Where --check looks unless it is told. */
const usualDirectory = 'runbooks'

export function addRunbook(program: Command, run: Runner): void {
  program
    .command('runbook')
    .description(
      'the page that people read in a disaster, made from the plan: who, which procedure, every step with its command; needs none of the plan’s variables and holds no secret',
    )
    .argument('<plan>', 'plan file')
    .option('--out <dir>', 'write it there, named after the plan file (default: print it)')
    .addOption(
      new Option('--format <format>', 'Markdown, or a page to read and print')
        .choices(['md', 'html'])
        .default('md'),
    )
    .option(
      '--check',
      `compare with the one in --out (default: ${usualDirectory}); a diff and exit 3 when the plan says something else; times and results of the ledger are not compared`,
    )
    .addHelpText(
      'after',
      examples(
        'runbook plans/shop.yaml',
        'runbook plans/shop.yaml --out runbooks',
        'runbook plans/shop.yaml --format html --out runbooks',
        'runbook plans/shop.yaml --check',
      ),
    )
    .action(run(runbook))
}

async function runbook(context: Context, file: string, { out, format, check }: RunbookFlags) {
  const { disk } = context.io
  // the page has stand-ins, whatever the environment holds
  const { plan } = await openWithStandIns(context, file, {})
  const { runbookName, toRunbook } = await import('../runbook/runbook.ts')
  const { stepRegistry: registry } = await import('../step/registry.ts')
  const { ledger } = statePaths(plan, context.state)
  const { entries } = await readProvenLedger(context, file, ledger)
  const found = await findings(plan, entries)
  const page = toRunbook({ plan, registry, entries, found }, format)
  const directory = out ?? usualDirectory
  const written = path.join(directory, runbookName(plan, format))
  if (check) {
    await compare(context, file, written, page, format)
    await context.confirm(`${shownPath(written)} says what ${file} says`)
    return { plan: plan.name, runbook: written, matches: true }
  }
  if (out === undefined) {
    if (!context.json) await context.io.stdout.write(page)
    return { plan: plan.name, page }
  }
  const { makeDurableDirectory } = await import('../ledger/durable-directory.ts')
  await makeDurableDirectory(disk, directory)
  await replaceFile(disk, written, Buffer.from(page))
  await context.confirm(`runbook: ${shownPath(written)}`)
  return { plan: plan.name, runbook: written }
}

/** Drills and recoveries of the ledger's last window. */
async function findings(plan: Plan, entries: readonly LedgerEntry[]): Promise<Found> {
  const { foundIn, nothingFound } = await import('../runbook/found.ts')
  const last = entries.findLast((entry) => entry.plan === plan.name)
  if (last === undefined) return nothingFound
  const { audit } = await import('../audit/audit.ts')
  const to = Date.parse(last.at) + 1
  return foundIn(audit({ plan, entries, window: { from: to - plan.compliance.windowMs, to } }))
}

async function compare(
  context: Context,
  file: string,
  written: string,
  page: string,
  format: RunbookFormat,
): Promise<void> {
  const { disk } = context.io
  const { planLimits } = await import('../plan/limits.ts')
  const options = `--format ${format} --out ${path.dirname(written)}`
  const hint = `Make it again with "vectra-dr runbook ${file} ${options}", and read what changed.`
  let text: string
  try {
    text = (await disk.readFile(written, planLimits.runbookBytes)).toString('utf8')
  } catch (error) {
    if (!isOperatingError(error, 'file-not-found')) throw error
    throw new OperatingError('runbook-outdated', `there is no runbook ${written}`, hint)
  }
  const { differencesOf } = await import('../runbook/compare.ts')
  const differences = differencesOf(written, text, page)
  if (differences === undefined) return
  await context.printLines(differences)
  throw new OperatingError(
    'runbook-outdated',
    `${written} no longer says what ${file} says`,
    hint,
    { place: { file: written }, details: differences },
  )
}

/** The end of an exercise: its report is written, and what was agreed goes into the ledger, once. */
import * as path from 'node:path'
import { replaceFile, sha256Hex } from '../../engine/index.ts'
import type { LedgerEntry } from '../ledger/ledger-line.ts'
import { createRedactor } from '../plan/secret.ts'
import { type AfterAction, afterActionOf, tellAfterAction } from '../play/after-action.ts'
import type { KeptPlay } from '../play/kept-play.ts'
import { showCount } from '../step/quantity.ts'
import type { PlayTable } from './play-table.ts'
import { shownPath } from './shown-path.ts'
import { statePaths } from './state.ts'
import { writeTabletop } from './tabletop-page.ts'

/**
 * The report is durable before the ledger names it, and the exercise is kept until both are: after a crash the
 * same command ends it.
 */
export async function finishPlay(
  table: PlayTable,
  kept: KeptPlay,
  entries: readonly LedgerEntry[],
): Promise<object> {
  const { context, plan, setup, out, file } = table
  const { disk } = context.io
  const report = afterActionOf(kept)
  const json = createRedactor(plan.secrets)(`${JSON.stringify(report, null, 2)}\n`)
  const name = `after-action-${setup.scenario.name}-${kept.exercise}`
  const page = await writeTabletop(context, plan, out, name, tellAfterAction(report))
  const written = path.join(out, `${name}.json`)
  await replaceFile(disk, written, Buffer.from(json))
  const isNew = !entries.some(
    (entry) => entry.kind === 'exercise' && entry.plan === plan.name && entry.run === kept.exercise,
  )
  if (isNew) await record(table, report, sha256Hex(json))
  else await context.remark(`remark: ${kept.exercise} is in the ledger already`)
  await disk.unlink(file)
  await disk.syncDirectory(path.dirname(file)).catch(() => {}) // of a script that nothing was kept of
  const { objectives, correctiveActions: actions } = report
  const reached = objectives.filter(({ isMet }) => isMet).length
  await context.confirm(
    `${reached} of ${objectives.length} objectives reached, ${showCount(actions.length, 'corrective action')}; report: ${shownPath(written)}`,
  )
  return {
    plan: plan.name,
    state: 'ended',
    recorded: isNew,
    page: { ...page, json: written },
    report,
  }
}

async function record(
  { context, plan }: PlayTable,
  { exercise, scope, participants, correctiveActions }: AfterAction,
  reportSha256: string,
): Promise<void> {
  const { disk, clock, timer } = context.io
  const [{ Ledger }, { readStanding }, { ledgerSigner, sealRun }, { gitCommit }, durable] =
    await Promise.all([
      import('../ledger/ledger.ts'),
      import('../standing/read-standing.ts'),
      import('./seal-run.ts'),
      import('../run/git-commit.ts'),
      import('../ledger/durable-directory.ts'),
    ])
  const state = statePaths(plan, context.state)
  await durable.makeDurableDirectory(disk, path.dirname(state.ledger))
  const { standing } = await readStanding(disk, state.ledger, plan.name)
  const signer = await ledgerSigner(context, plan, standing)
  const ledger = new Ledger(state.ledger, { disk, clock, timer })
  const header = {
    ...{ plan: plan.name, planSha256: plan.sha256, run: exercise },
    gitCommit: await gitCommit(disk, plan.directory),
  }
  const { scenario, procedure, startedAt, durationMs, isScripted } = scope
  const entry = await ledger.append(header, {
    ...{ kind: 'exercise', scenario, procedure, startedAt, durationMs, isScripted },
    ...{ participants, actions: correctiveActions, reportSha256 },
  })
  standing.read(entry)
  await sealRun(context, plan, ledger, header, standing, signer)
}

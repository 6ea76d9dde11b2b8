/**
 * `tabletop PLAN --scenario X --play`: people play a story through, at a terminal or from a script. Nothing of the
 * plan is run or touched; what is agreed goes into the ledger, as an exercise and never as evidence.
 */
import * as path from 'node:path'
import {
  fail,
  isOperatingError,
  OperatingError,
  replaceFile,
  sha256Hex,
} from '../../engine/index.ts'
import { shellLine } from '../compile/shell-words.ts'
import type { Plan, Procedure } from '../plan/plan.ts'
import type { Scenario } from '../plan/scenario.ts'
import { createRedactor } from '../plan/secret.ts'
import { eventLines, openingLines } from '../play/event-text.ts'
import {
  closeSitting,
  decodeKept,
  encodeKept,
  type KeptPlay,
  keptBytes,
} from '../play/kept-play.ts'
import { beginPlay } from '../play/play.ts'
import { type PlaySetup, setupPlay } from '../play/play-setup.ts'
import { stateOf } from '../play/play-state.ts'
import { type PlayScript, playScript, readScript } from '../play/script.ts'
import { stepRegistry } from '../step/registry.ts'
import type { Context } from './context.ts'
import { finishPlay } from './finish-play.ts'
import { standInText } from './open-with-stand-ins.ts'
import { playAtTerminal } from './play-at-terminal.ts'
import { writePlayPages } from './play-pages.ts'
import type { PlayTable } from './play-table.ts'
import { readProvenLedger } from './read-proven-ledger.ts'
import { shownPath } from './shown-path.ts'
import { statePaths } from './state.ts'

export interface PlayFlags {
  readonly script?: string
  readonly prepare?: true
  readonly out?: string
}

/** @throws `usage` where nobody is there to play; `invalid-input-file` for a script that does not fit; `locked`; `key-refused` */
export async function playTabletop(
  context: Context,
  file: string,
  plan: Plan,
  standIns: readonly string[],
  scenario: Scenario,
  procedure: Procedure,
  flags: PlayFlags,
): Promise<object> {
  const { io } = context
  const { disk, clock } = io
  refuseUnplayable(context, plan, flags)
  const state = statePaths(plan, context.state)
  const { entries } = await readProvenLedger(context, file, state.ledger)
  const setup = setupPlay(plan, scenario, procedure, stepRegistry, entries)
  const redact = createRedactor(plan.secrets)
  const { makeDurableDirectory } = await import('../ledger/durable-directory.ts')
  const name = `${plan.name}-${scenario.name}`
  const kept = path.join(state.directory, 'exercises', `${name}.json`)
  const table: PlayTable = {
    ...{ context, plan, setup, file: kept, out: flags.out ?? state.reports },
    print: (lines) => context.printLines(lines.map(redact)),
    keep: async (each) => {
      await makeDurableDirectory(disk, path.dirname(kept))
      await replaceFile(disk, kept, Buffer.from(encodeKept(each, redact)))
    },
  }
  await table.print(standInText(standIns))
  if (flags.prepare) return { plan: plan.name, pages: await writePlayPages(table) }
  const script =
    flags.script === undefined ? undefined : await openScript(context, flags.script, plan, scenario)
  await keyAtHand(context, plan, state.ledger)
  const { takeStateLock } = await import('../ledger/state-lock.ts')
  const lock = await takeStateLock(
    disk,
    clock,
    path.join(state.directory, 'locks', `exercise-${name}`),
    `exercise ${scenario.name} of plan ${plan.name}`,
  )
  try {
    const before = await readKept(table)
    if (before !== undefined && stateOf(before.play.events).isOver) {
      await context.remark(`remark: ${before.exercise} had ended, and its report is written now`)
      return await finishPlay(table, before, entries)
    }
    const startedAt = script?.startedAt ?? clock.nowMs()
    const begun = before ?? begin(setup, startedAt, script?.sha256)
    const isScripted = script !== undefined
    if (before === undefined && script === undefined) await writePlayPages(table)
    if (script === undefined) {
      await table.print(openingLines(setup, before === undefined ? undefined : begun.play))
      const ended = await playAtTerminal(
        table,
        goOn(begun, before, clock.nowMs(), isScripted),
        before !== undefined,
      )
      return ended.isPaused
        ? paused(table, ended.kept, file, flags)
        : finishPlay(table, ended.kept, entries)
    }
    const played = playScript(begun.play, script)
    if ('message' in played) return await refuseScript(context, script.file, [played])
    const ended = { ...goOn(begun, before, startedAt, isScripted), play: played.play }
    const sittings = closeSitting(ended)
    const fresh = played.play.events.slice(before?.play.events.length ?? 0)
    await table.print(fresh.flatMap((event) => eventLines(setup, event)))
    if (!played.isPaused) return await finishPlay(table, sittings, entries)
    await table.keep(sittings)
    return paused(table, sittings, file, flags)
  } finally {
    await lock.release()
  }
}

/** Its end is signed where the plan signs its ledger: a key that is lost is told before people begin. */
async function keyAtHand(context: Context, plan: Plan, ledger: string): Promise<void> {
  if (plan.ledger.signingKeyFile === undefined) return
  const [{ readStanding }, { ledgerSigner }] = await Promise.all([
    import('../standing/read-standing.ts'),
    import('./seal-run.ts'),
  ])
  const { standing } = await readStanding(context.io.disk, ledger, plan.name)
  await ledgerSigner(context, plan, standing)
}

function refuseUnplayable({ io, json }: Context, { people }: Plan, flags: PlayFlags): void {
  if (people.contacts.size === 0 || people.roles.size === 0) {
    fail(
      'usage',
      'the plan names nobody who could play',
      'Write people: with roles and contacts in the plan.',
    )
  }
  if (flags.script !== undefined || flags.prepare) return
  if (io.ask === undefined || json) {
    fail(
      'usage',
      json ? 'with --json nobody can be asked' : 'there is no terminal to play at',
      'Play it at a terminal, or unattended with --script FILE. --prepare writes the pages for facilitator and players.',
    )
  }
}

const begin = (setup: PlaySetup, startedAt: number, script?: string): KeptPlay => {
  const { plan, scenario } = setup
  const at = new Date(startedAt).toISOString()
  const key = sha256Hex(JSON.stringify([plan.name, plan.sha256, scenario.name, at, script ?? '']))
  const day = at.slice(0, 19).replace(/[-:]/g, '').replace('T', '-')
  return {
    exercise: `exercise-${day}-${key.slice(0, 8)}`,
    play: beginPlay(setup),
    sittings: [{ startedAt, untilMs: 0, isScripted: script !== undefined }],
  }
}

/** One more sitting, where it goes on. */
const goOn = (
  begun: KeptPlay,
  before: KeptPlay | undefined,
  startedAt: number,
  isScripted: boolean,
): KeptPlay =>
  before === undefined
    ? begun
    : {
        ...begun,
        sittings: [...begun.sittings, { startedAt, untilMs: begun.play.nowMs, isScripted }],
      }

async function readKept({ context, file, setup }: PlayTable): Promise<KeptPlay | undefined> {
  let bytes: Buffer
  try {
    bytes = await context.io.disk.readFile(file, keptBytes)
  } catch (error) {
    if (isOperatingError(error, 'file-not-found')) return undefined
    throw error
  }
  return decodeKept(file, bytes.toString('utf8'), setup)
}

type OpenScript = PlayScript & { readonly file: string; readonly sha256: string }

async function openScript(
  context: Context,
  file: string,
  plan: Plan,
  scenario: Scenario,
): Promise<OpenScript> {
  const { readPlanFile } = await import('../plan/read-plan.ts')
  let bytes: Buffer
  try {
    bytes = await readPlanFile(context.io.disk, file)
  } catch (error) {
    if (!isOperatingError(error, 'plan-not-found', 'plan-too-large')) throw error
    return fail('invalid-input-file', error.message.replace('plan', 'script'), error.hint, {
      place: { file },
    })
  }
  const script = await readScript(file, bytes, plan)
  if (Array.isArray(script)) return refuseScript(context, file, script)
  if (script.scenario !== scenario.name) {
    return fail(
      'invalid-input-file',
      `the script ${file} is for scenario ${script.scenario}, and ${scenario.name} is played`,
      `Play it with --scenario ${script.scenario}, or take another script.`,
      { place: { file } },
    )
  }
  return { ...script, file, sha256: sha256Hex(bytes) }
}

type ScriptErrors = Exclude<Awaited<ReturnType<typeof readScript>>, PlayScript>

async function refuseScript(
  { io, json }: Context,
  file: string,
  errors: ScriptErrors,
): Promise<never> {
  const { formatPlanErrors } = await import('../plan/plan-error.ts')
  if (!json) await io.stderr.write(`${formatPlanErrors(errors)}\n\n`)
  const [first] = errors
  throw new OperatingError(
    'invalid-input-file',
    `the script ${file} does not fit: ${first?.message ?? 'it cannot be read'}`,
    'Correct the script and play it again; nothing of it was kept.',
    {
      place: { file, ...(first && { line: first.line, column: first.column }) },
      details: errors,
    },
  )
}

async function paused(
  { context, file, plan, setup }: PlayTable,
  { exercise, play }: KeptPlay,
  planFile: string,
  { out }: PlayFlags,
) {
  const { scenario } = setup
  await context.confirm(`paused; kept in ${shownPath(file)}`)
  const words = [
    ...['vectra-dr', 'tabletop', planFile, '--scenario', scenario.name, '--play'],
    ...(out === undefined ? [] : ['--out', out]),
    ...(context.state === undefined ? [] : ['--state', context.state]),
  ]
  await context.confirm(`go on with: ${shellLine(words)}`)
  return {
    plan: plan.name,
    scenario: scenario.name,
    exercise,
    state: 'paused',
    atMs: play.nowMs,
    kept: file,
  }
}

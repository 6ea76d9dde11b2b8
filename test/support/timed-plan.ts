/** A plan for the clock: its schedules run nothing that takes time. */
import { readFile } from 'node:fs/promises'
import * as path from 'node:path'
import { smallPlan } from './dr-command.ts'

/** `schedules` replaces those of the small plan; `more` follows the plan. */
export const timedPlan = (schedules: string, more = '') =>
  smallPlan(
    (text) =>
      text
        .replace(/schedules:[\s\S]*$/, `schedules:\n${schedules}\n`)
        .replace('owner: somebody', 'owner: somebody\ntimezone: Europe/Zurich') + more,
  )

/** The step that writes down what `${date}` and `${time}` are, as the ledger keeps it. */
export const stamp = '- exec: { command: [node, -e, "0", "${date} ${time}"] }'

/** Lines of the ledger as objects; none when there is no ledger. */
export async function ledgerLines(state: string): Promise<Record<string, unknown>[]> {
  const text = await readFile(path.join(state, 'ledger.jsonl'), 'utf8').catch(() => '')
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line))
}

/** `[name, due time]` of every run, in the order of the ledger. */
export const runsIn = async (state: string) =>
  (await ledgerLines(state))
    .filter(({ kind }) => kind === 'run-started')
    .map(({ sequence, dueAt }) => [(sequence as { name: string }).name, dueAt])

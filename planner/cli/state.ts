/** Where a plan's state lies: `.vectra-dr/` beside the plan, or where `--state` says. */
import * as path from 'node:path'
import type { Plan } from '../plan/plan.ts'

export interface StatePaths {
  /** Absolute. Artefacts go to `runs/` below it. */
  readonly directory: string
  readonly ledger: string
  readonly reports: string
  /** Locked by the one run of the plan. */
  readonly lock: string
}

const folder = '.vectra-dr'
const ledgerName = 'ledger.jsonl'

/** A ledger that the plan puts elsewhere stays there; only the one in the state directory moves. */
export function statePaths(plan: Plan, given: string | undefined): StatePaths {
  const beside = path.join(plan.directory, folder)
  const directory = given === undefined ? beside : path.resolve(given)
  const isUsual = plan.ledger.path === path.join(beside, ledgerName)
  return {
    directory,
    ledger: isUsual ? path.join(directory, ledgerName) : plan.ledger.path,
    reports: path.join(directory, 'reports'),
    lock: path.join(directory, 'locks', plan.name),
  }
}

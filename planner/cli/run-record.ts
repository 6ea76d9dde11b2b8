/** Where the entries of a run go: into the ledger, or, of one that is summed up, to those of its hour first. */
import type { JsonObject, Signer } from '../../engine/index.ts'
import { mayJoin, moveWaiting, wait } from '../ledger/hour-journal.ts'
import type { Ledger } from '../ledger/ledger.ts'
import type { LedgerBody, RunHeader, RunOutcome } from '../ledger/ledger-line.ts'
import { createPersonMask } from '../plan/personal.ts'
import type { AnySequence, Plan } from '../plan/plan.ts'
import { redactJson } from '../run/redact-json.ts'
import type { Standing } from '../standing/standing.ts'
import type { Context } from './context.ts'
import { isSummedUp } from './seal-run.ts'

export interface RunRecord {
  append(header: RunHeader, body: LedgerBody): Promise<void>
  /** A failure stands alone, and in the ledger at once. @throws as `Ledger.append` */
  close(outcome: RunOutcome): Promise<void>
}

/**
 * Makes room for a run: what waits of earlier ones is moved into the ledger, unless the run may join it.
 * @param isResumed its beginning is in the ledger
 * @throws as `Ledger.append`
 */
export async function openRecord(
  { io: { disk, clock } }: Context,
  plan: Plan,
  sequence: AnySequence,
  header: RunHeader,
  ledger: Ledger,
  standing: Standing,
  isResumed: boolean,
  signer: Signer | undefined,
): Promise<RunRecord> {
  const { name } = plan
  const mask = createPersonMask(plan.people)
  // masking changes texts inside, nothing else
  const masked = (body: LedgerBody) =>
    redactJson(body as unknown as JsonObject, mask) as unknown as LedgerBody
  const now = () => new Date(clock.nowMs()).toISOString()
  const isSummed = !isResumed && isSummedUp(sequence)
  if (!isSummed || !(await mayJoin(disk, ledger.file, header, now()))) {
    await moveWaiting(disk, ledger, name, signer)
  }
  // steps of one run may end at the same time
  let turn: Promise<unknown> = Promise.resolve()
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const done = turn.then(work)
    turn = done.catch(() => {})
    return done
  }
  return {
    append: async (of, unmasked) => {
      const body = masked(unmasked)
      standing.read(
        isSummed
          ? await inTurn(() => wait(disk, ledger.file, name, { header: of, body, at: now() }))
          : await ledger.append(of, body),
      )
    },
    close: async (outcome) => {
      if (isSummed && outcome !== 'passed') await moveWaiting(disk, ledger, name, signer)
    },
  }
}

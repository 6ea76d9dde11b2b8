/** How far standbys were behind, and what promotions lost, as tables. Pure. */
import type { LagReading } from '../audit/replication.ts'
import type { AuditSections } from '../audit/sections.ts'
import { formatDuration } from '../plan/units.ts'
import type { Cell, Section } from './block.ts'
import { at, none, sentence, table } from './cells.ts'

const lagCell = ({ seconds, records, at: when, line }: LagReading): Cell => ({
  text: `${seconds.toFixed(1)} s${records === null ? '' : `, ${records} records`} (${at(when)})`,
  lines: [line],
})

/** Nothing where the plan replicates no collection. */
export function replicationSection({ replication }: AuditSections): Section[] {
  if (replication === undefined) return []
  const rows = replication.flatMap(({ collection, to, standbys, maxLagMs, mode }) =>
    [...new Set([...to, ...standbys.map(({ target }) => target)])].map((target) => {
      const seen = standbys.find((each) => each.target === target)
      return [
        collection,
        target,
        mode,
        String(seen?.looks ?? 0),
        seen === undefined ? none : lagCell(seen.newest),
        seen === undefined ? none : lagCell(seen.worst),
        maxLagMs === null ? none : formatDuration(maxLagMs),
      ]
    }),
  )
  const failed = replication.flatMap(({ collection, failed }) =>
    failed.map(({ at: when, error, line }) => [
      collection,
      { text: at(when), lines: [line] },
      error,
    ]),
  )
  const promotions = replication.flatMap(({ collection, promotions }) =>
    promotions.map(({ at: when, target, epoch, lostRecords, windowSeconds, line }) => [
      collection,
      target,
      { text: at(when), lines: [line] },
      epoch === null ? none : String(epoch),
      lostRecords === null ? 'not known' : String(lostRecords),
      windowSeconds === null ? none : `${windowSeconds.toFixed(1)} s`,
    ]),
  )
  return [
    {
      heading: 'Replication',
      blocks: [
        sentence(
          'How far standbys were behind when a step looked: the time since they had everything. Between two looks nothing is known, and a standby is no verified copy: under Exposure it counts as a replica.',
        ),
        ...table(
          ['Collection', 'Standby', 'Mode', 'Looks', 'Newest', 'Worst', 'Wanted below'],
          rows,
        ),
        ...(failed.length === 0 ? [] : table(['Collection', 'Not close in time', 'Why'], failed)),
        ...(promotions.length === 0
          ? []
          : table(
              ['Collection', 'Promoted', 'When', 'Epoch', 'Records lost', 'Could be lost'],
              promotions,
            )),
      ],
    },
  ]
}

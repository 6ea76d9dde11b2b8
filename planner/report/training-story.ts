/** Who took part in exercises when, as a table. Pure. */
import type { AuditSections } from '../audit/sections.ts'
import { showDuration } from '../step/quantity.ts'
import type { Section } from './block.ts'
import { at, none, sentence, table } from './cells.ts'

/** Nothing where nobody has ever played. */
export function trainingSection({ training }: AuditSections): Section[] {
  if (training === undefined) return []
  const overdue = training.people.filter(({ overdueSince }) => overdueSince !== null).length
  return [
    {
      heading: 'Training',
      blocks: [
        sentence(
          `Who took part in exercises at a terminal; everybody who holds a role is to do so every ${showDuration(training.everyMs)}. ${overdue === 0 ? 'Nobody is' : `${overdue} of ${training.people.length} are`} overdue.`,
        ),
        ...table(
          ['Contact', 'Role', 'Exercises', 'Last', 'Overdue since'],
          training.people.map(
            ({ contact, role, exercises, lastTookPartAt, line, overdueSince }) => [
              contact,
              role,
              String(exercises),
              line === null ? none : { text: at(lastTookPartAt), lines: [line] },
              at(overdueSince),
            ],
          ),
        ),
      ],
    },
  ]
}

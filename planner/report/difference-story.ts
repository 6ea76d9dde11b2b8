/** What has changed since an earlier report, as tables. Pure. */
import type { Differences } from '../audit/differences.ts'
import { showMinutes } from '../step/quantity.ts'
import type { Section } from './block.ts'
import { minuteOf, ms, none, sentence, table, unbounded } from './cells.ts'

/** One section. */
export function differenceSection(differences: Differences): Section {
  const { window, verdicts, exposure, schedules, findings } = differences
  const value = (objective: string, actual: number | null): string =>
    actual === null ? none : objective === 'recall' ? actual.toFixed(4) : showMinutes(actual)
  return {
    heading: 'What has changed',
    blocks: [
      sentence(
        `Against ${differences.against}, ${minuteOf(window.from)} to ${minuteOf(window.to)}. The plan is ${differences.planChanged ? 'another one' : 'the same'}. Findings: ${findings.opened.length} newly open, ${findings.remaining.length} still open, ${findings.closed.length} no longer open.`,
      ),
      ...table(
        [
          'Collection',
          'Objective',
          'Before',
          'After',
          'Measured before',
          'Measured after',
          'Trend',
        ],
        verdicts.map((each) => [
          each.collection,
          each.objective,
          each.before ?? none,
          each.after ?? none,
          value(each.objective, each.actualBefore),
          value(each.objective, each.actualAfter),
          each.trend,
        ]),
      ),
      ...table(
        [
          'Collection',
          'Lost',
          'Worst before',
          'Worst after',
          'Beyond before',
          'Beyond after',
          'Trend',
        ],
        exposure.map((each) => [
          each.collection,
          each.losses.join(', '),
          ms(each.worstBeforeMs, unbounded),
          ms(each.worstAfterMs, unbounded),
          ms(each.inBreachBeforeMs),
          ms(each.inBreachAfterMs),
          each.trend,
        ]),
      ),
      ...table(
        ['What', 'Not succeeded before', 'After', 'Trend'],
        schedules.map((each) => [
          `${each.kind} ${each.name}`,
          String(each.badBefore),
          String(each.badAfter),
          each.trend,
        ]),
      ),
    ],
  }
}

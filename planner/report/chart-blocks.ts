/** The charts of a report over a window, section by section; each stands above the table that holds its numbers. */
import type { Audit } from '../audit/audit.ts'
import { calendarChart } from '../chart/calendar-chart.ts'
import type { Chart } from '../chart/chart.ts'
import { dataChart } from '../chart/data-chart.ts'
import { exposureChart } from '../chart/exposure-chart.ts'
import { recallChart } from '../chart/recall-chart.ts'
import { recoveryChart } from '../chart/recovery-chart.ts'
import { survivalChart } from '../chart/survival-chart.ts'
import type { Block } from './block.ts'

export interface ChartBlocks {
  readonly exposure: readonly Block[]
  readonly recoveries: readonly Block[]
  readonly copies: readonly Block[]
  readonly data: readonly Block[]
  readonly calendar: readonly Block[]
}

/** Collections that are drawn: a page with hundreds of charts is one that nobody looks at. The tables have all. */
const mostDrawn = 12

export function chartBlocks(audit: Audit): ChartBlocks {
  const { sections, window } = audit
  if (sections === undefined) {
    return { exposure: [], recoveries: [], copies: [], data: [], calendar: [] }
  }
  const names = drawnOf(audit)
  const isDrawn = ({ collection }: { readonly collection: string }) => names.has(collection)
  return {
    exposure: blocksOf(
      [...names].map((name) =>
        exposureChart(sections.exposure.filter(({ collection }) => collection === name)),
      ),
    ),
    recoveries: blocksOf(
      sections.recoveries
        .filter(isDrawn)
        .flatMap((each) => [
          recoveryChart(each),
          recallChart(each, recallWanted(audit, each.collection), window),
        ]),
    ),
    copies: blocksOf([survivalChart(sections.exposure, sections.recoveryPoints)]),
    data: blocksOf(sections.data.filter(isDrawn).map((each) => dataChart(each, window))),
    calendar: blocksOf([calendarChart(sections.schedules)]),
  }
}

const blocksOf = (charts: readonly (Chart | undefined)[]): Block[] =>
  charts.flatMap((chart) => (chart === undefined ? [] : [{ kind: 'chart', chart }]))

/** First those that missed something, or prove nothing. */
function drawnOf({ verdicts, sections }: Audit): ReadonlySet<string> {
  const names = [...new Set((sections?.exposure ?? []).map(({ collection }) => collection))]
  const isBad = (name: string) =>
    verdicts.some(({ collection, verdict }) => collection === name && verdict !== 'met')
  const sorted = [...names.filter(isBad), ...names.filter((name) => !isBad(name))]
  return new Set(sorted.slice(0, mostDrawn))
}

const recallWanted = ({ verdicts }: Audit, name: string): number | undefined =>
  verdicts.find(({ collection, objective }) => collection === name && objective === 'recall')
    ?.wanted

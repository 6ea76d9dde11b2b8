import { expect, test } from 'vitest'
import { distributionChart } from '../../../planner/chart/distribution-chart.ts'
import { drawChart } from '../../../planner/chart/draw-chart.ts'
import { quantiles } from '../../../planner/tabletop/simulate.ts'

const never = Number.POSITIVE_INFINITY
const minute = 60_000

test('the line ends at the share that comes back, and the description says the rest', () => {
  const some = quantiles(
    Float64Array.from({ length: 100 }, (_, index) => (index < 70 ? (index + 1) * minute : never)),
  )
  const chart = distributionChart({
    ...{ title: 'RTO of it', measure: 'RTO', objectiveMs: 30 * minute },
    runs: [{ name: 'plain', quantiles: some }],
  })
  expect(chart?.description).toBe(
    'plain: 5 % within 5 min, half within 50 min, 95 % within never, all within never. The RTO is 30 min.',
  )
  const [series] = (chart?.option['series'] ?? []) as { data: [number, number][] }[]
  expect(series?.data.slice(-2)).toEqual([
    [70, 70],
    [73.5, 70],
  ])
  expect(series?.data).toContainEqual([30, 30])
  if (chart === undefined) throw new Error('there is something to draw')
  expect(drawChart(chart, 'a')).toContain('>RTO</text>')
})

test('where nothing comes back there is nothing to draw', () => {
  const none = quantiles(Float64Array.of(never))
  const runs = [{ name: 'plain', quantiles: none }]
  expect(distributionChart({ title: '', measure: 'RTO', objectiveMs: 1, runs })).toBeUndefined()
})

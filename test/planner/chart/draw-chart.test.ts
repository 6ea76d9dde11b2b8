import { expect, test } from 'vitest'
import { audit } from '../../../planner/audit/audit.ts'
import { chartWidthPx } from '../../../planner/chart/chart.ts'
import { drawChart } from '../../../planner/chart/draw-chart.ts'
import { exposureChart } from '../../../planner/chart/exposure-chart.ts'
import { recoveryChart } from '../../../planner/chart/recovery-chart.ts'
import { survivalChart } from '../../../planner/chart/survival-chart.ts'
import { quarter, quarterLedger, quarterPlan } from '../../support/quarter-ledger.ts'
import { planOf } from '../../support/sound-plan.ts'

const sections = async () => {
  const judged = audit({
    plan: await planOf(quarterPlan),
    entries: quarterLedger(),
    window: quarter,
  })
  if (judged.sections === undefined) throw new Error('a window has sections')
  return judged.sections
}

const drawn = (chart: Parameters<typeof drawChart>[0] | undefined, id = 'chart-1'): string => {
  if (chart === undefined) throw new Error('there is something to draw')
  return drawChart(chart, id)
}

test('the same chart gives the same bytes, whatever was drawn before and in whatever time zone', async () => {
  const { exposure, recoveries } = await sections()
  const first = drawn(exposureChart(exposure))
  drawn(recoveryChart(recoveries[0] as (typeof recoveries)[0]), 'chart-2')
  const zone = process.env['TZ']
  try {
    process.env['TZ'] = 'Asia/Tokyo'
    expect(drawn(exposureChart(exposure))).toBe(first)
  } finally {
    if (zone === undefined) delete process.env['TZ']
    else process.env['TZ'] = zone
  }
})

test('it is named, described, drawn in the colours of the page, and has ids of its own', async () => {
  const { exposure } = await sections()
  const svg = drawn(exposureChart(exposure), 'chart-7')
  expect(svg).toMatch(/^<svg [^>]*role="img" aria-labelledby="chart-7-title chart-7-text">/)
  expect(svg).toContain('<title id="chart-7-title">RPO exposure of orders</title>')
  expect(svg).toContain('The RPO is 1 d 1 h; it was exceeded 5 times')
  expect(svg).toContain(`viewBox="0 0 ${chartWidthPx} `)
  expect(svg).toContain('var(--missed)')
  for (const [, id = ''] of svg.matchAll(/ id="([^"]*)"/g)) expect(id).toMatch(/^chart-7-/)
  expect(svg).not.toMatch(/#0[0-9a-f]{5}\b|<style|<script|\bzr\d/)
})

test('text of others does not become markup', () => {
  const svg = drawChart(
    {
      title: '<script>alert(1)</script>',
      description: '</desc><script>',
      widthPx: 600,
      heightPx: 300,
      option: {
        xAxis: { type: 'category', data: ['<img src=x>', 'zr1-drill'] },
        yAxis: { type: 'value' },
        series: [{ type: 'bar', data: [1, 2] }],
      },
    },
    'chart-1',
  )
  expect(svg).not.toMatch(/<script|<img/)
  // drawn at all, and as it is written
  expect(svg).toContain('&lt;img src=x&gt;')
  expect(svg).toContain('>zr1-drill<')
})

test('a breach is shaded for as long as it lasted, and the objective is a line at its height', async () => {
  const { exposure } = await sections()
  const option = exposureChart(exposure)?.option as unknown as {
    yAxis: { name: string }
    series: {
      markLine?: { data: { yAxis: number }[] }
      markArea: { data: { xAxis: number }[][] }
    }[]
  }
  expect(option.yAxis.name).toBe('exposure, hours')
  expect(option.series[0]?.markLine?.data).toEqual([{ yAxis: 25 }])
  const shaded = option.series[0]?.markArea.data.map((span) => span.map(({ xAxis }) => xAxis)) ?? []
  const breaches = exposure[0]?.breaches.map(({ from, to }) => [Date.parse(from), Date.parse(to)])
  expect(shaded).toEqual(breaches)
})

test('a copy that goes with what is lost is told apart from one that nobody verified', async () => {
  const { exposure, recoveryPoints } = await sections()
  const unverified = recoveryPoints.map((each) => ({ ...each, verifiedSince: null }))
  const text = (copies: typeof recoveryPoints) => survivalChart(exposure, copies)?.description
  expect(text(recoveryPoints)).toContain('orders at near survives the loss of data.')
  expect(drawn(survivalChart(exposure, recoveryPoints))).toContain('verified')
  expect(drawn(survivalChart(exposure, unverified))).toContain('not verified')
  expect(survivalChart(exposure, [])).toBeUndefined()
})

import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { ExposureSeries } from '../../../planner/audit/exposure.ts'
import type { Verdict, VerdictKind } from '../../../planner/audit/verdict.ts'
import { withExposure } from '../../../planner/audit/verdict-exposure.ts'

const kinds = ['met', 'missed', 'unproven'] as const

const verdictOf = (verdict: VerdictKind, objective: Verdict['objective'] = 'rpo'): Verdict => ({
  ...{ collection: 'words', objective, verdict, wanted: 1, actual: 0, gap: -1 },
  ...{ reasons: ['told'], measuredAt: null, run: null, measured: {}, evidence: [] },
})

const seriesOf = (verdict: VerdictKind | null, served: readonly string[]): ExposureSeries => ({
  ...{ collection: 'words', losses: ['region'], survivors: ['far'], served, rpoMs: 1, verdict },
  ...{ standbys: [], copiesAlone: null, replicaMs: 0, unprovenMs: 0 },
  ...{ from: '', to: '', inBreachMs: 5, breaches: [], newest: null, curve: [], isCurveExact: true },
  ...{ integralS2: 1, meanMs: 1, worstMs: 1, p95Ms: 1, currentMs: 1, withoutPointMs: 0 },
})

test('property: unproven and missed are contagious, and nothing is made better', async () => {
  const exposures = fc.array(
    fc
      .tuple(fc.constantFrom(...kinds, null), fc.boolean())
      .map(([verdict, isServed]) => seriesOf(verdict, isServed ? ['far'] : [])),
    { maxLength: 5 },
  )
  await fc.assert(
    fc.property(fc.constantFrom(...kinds), exposures, (drilled, exposure) => {
      const { verdict } = withExposure(verdictOf(drilled), exposure)
      const counted = exposure.filter(({ served }) => served.length > 0).map((each) => each.verdict)
      const all = [drilled, ...counted]
      const expected = all.includes('missed')
        ? 'missed'
        : all.includes('unproven')
          ? 'unproven'
          : 'met'
      expect(verdict).toBe(expected)
      expect(withExposure(verdictOf(drilled, 'rto'), exposure).verdict).toBe(drilled)
    }),
  )
})

test('the reason names the loss and how long it was', () => {
  const { reasons } = withExposure(verdictOf('met'), [seriesOf('missed', ['far'])])
  expect(reasons).toEqual([
    'told',
    'exposure to loss of region was beyond the objective 0 times, 5 ms in all; at worst 1 ms',
  ])
})

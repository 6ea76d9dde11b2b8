/**
 * An RPO that a drill met is not met while the exposure of the window says otherwise. Pure.
 *
 * Only losses that the plan provides for count: those that leave a destination to which the clock brings
 * snapshots, or a standby. Nobody promised anything for the others; the section on exposure tells them as they are.
 */
import { showMinutes } from '../step/quantity.ts'
import { type ExposureSeries, isPromised } from './exposure.ts'
import type { Verdict, VerdictKind } from './verdict.ts'

const ranks: Readonly<Record<VerdictKind, number>> = { met: 0, unproven: 1, missed: 2 }

/** The verdict, made worse and given reasons where the exposure of its collection is worse. */
export function withExposure(verdict: Verdict, exposure: readonly ExposureSeries[]): Verdict {
  if (verdict.objective !== 'rpo') return verdict
  const own = exposure.filter(
    (series) => series.collection === verdict.collection && isPromised(series),
  )
  const bad = own.filter((each) => each.verdict !== null && each.verdict !== 'met')
  const worst = bad.reduce<VerdictKind>(
    (known, { verdict: found }) => (found !== null && ranks[found] > ranks[known] ? found : known),
    verdict.verdict,
  )
  return { ...verdict, verdict: worst, reasons: [...verdict.reasons, ...bad.map(reasonOf)] }
}

function reasonOf(series: ExposureSeries): string {
  const loss = lossText(series)
  if (series.verdict === 'unproven') {
    const names = series.standbys.join(', ')
    return series.replicaMs > 0
      ? `exposure to ${loss} is within the objective only by the word of ${names}, a replica that nobody had compared with its primary`
      : `no copy that survives ${loss} was ever verified${names === '' ? '' : `, and nobody looked at ${names}`}`
  }
  const { breaches, inBreachMs, worstMs } = series
  const worst = worstMs === null ? 'without bound' : showMinutes(worstMs)
  const times = breaches.length === 1 ? 'once' : `${breaches.length} times`
  return `exposure to ${loss} was beyond the objective ${times}, ${showMinutes(inBreachMs)} in all; at worst ${worst}`
}

/** `loss of data, node`. */
export const lossText = ({ losses }: Pick<ExposureSeries, 'losses'>): string =>
  `loss of ${losses.join(', ')}`

/** The objectives of a collection. */
import type { ObjectiveKind, PlanCollection } from '../plan/plan.ts'

/** In the order in which reports show them. */
export function objectivesOf({
  objectives,
}: Pick<PlanCollection, 'objectives'>): (readonly [ObjectiveKind, number])[] {
  const all: readonly (readonly [ObjectiveKind, number | undefined])[] = [
    ['rpo', objectives.rpoMs],
    ['rto', objectives.rtoMs],
    ['recall', objectives.recall],
  ]
  return all.flatMap(([kind, wanted]) => (wanted === undefined ? [] : [[kind, wanted] as const]))
}

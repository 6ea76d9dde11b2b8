/**
 * A target that a plan may name and nobody drives yet: another database. It offers
 * nothing, so every step that needs something of it is refused before its run starts.
 */
import { OperatingError } from '../../engine/index.ts'
import type { ForeignTarget } from '../plan/plan.ts'
import { capabilitiesOf } from './capabilities.ts'
import type { TargetAdapter } from './target.ts'

export function declaredTarget(target: ForeignTarget): TargetAdapter {
  const { kind, name } = target
  const refuse = async (): Promise<never> => {
    throw new OperatingError(
      'not-offered',
      `not offered by this target: ${name} (${kind}) is not driven by this version`,
      'Use a target of the bundled engine.',
    )
  }
  return {
    kind,
    name,
    capabilities: capabilitiesOf(target),
    position: refuse,
    importFile: refuse,
    backup: refuse,
    archive: refuse,
    restore: refuse,
    drop: refuse,
    measure: refuse,
    writeAlong: refuse,
    missing: refuse,
    deletePoints: refuse,
    switchAlias: refuse,
    meaning: refuse,
  }
}

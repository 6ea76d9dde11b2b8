/** The end of a copy that is written to: signatures come along, they are not made here. */
import type { Location } from '../backup/sources.ts'

/** The location without signer and trust: what comes with signatures is held against the trust of its source. */
export function unsigned(to: Location): Location {
  if (typeof to !== 'object' || !('location' in to)) return to
  const { trust: _, signer: __, ...rest } = to
  return rest
}

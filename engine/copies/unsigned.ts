/** The end of a copy that is written to: signatures come along, they are not made here. */
import type { Location } from '../backup/sources.ts'

/** The location with its keys alone: what comes with signatures is held against the trust of its source. */
export const unsigned = (to: Location): Location =>
  typeof to === 'object' && 'location' in to
    ? { location: to.location, ...(to.keys && { keys: to.keys }) }
    : to

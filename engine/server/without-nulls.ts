/** A body without the keys that clients write as null instead of leaving them out. */

/** What is somebody's data, or reads its nulls itself: left as it is. */
const untouched = ['payload', 'payloads', 'metadata', 'filter', 'vector']

/** `body` without keys whose value is null, at any depth outside of payloads. */
export function withoutNulls(body: unknown): unknown {
  if (Array.isArray(body)) {
    // lists of numbers are long
    return typeof body[0] === 'object' && body[0] !== null ? body.map(withoutNulls) : body
  }
  if (typeof body !== 'object' || body === null) return body ?? undefined
  return Object.fromEntries(
    Object.entries(body)
      .filter(([, value]) => value !== null)
      .map(([key, value]) => [key, untouched.includes(key) ? value : withoutNulls(value)]),
  )
}

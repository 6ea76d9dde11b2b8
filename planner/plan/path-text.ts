/** The two ways to name a value of the document: JSON pointers for programs, paths for people. */

/** RFC 6901. */
export const childPointer = (pointer: string, key: string | number): string =>
  typeof key === 'number' || !/[~/]/.test(key)
    ? `${pointer}/${key}`
    : `${pointer}/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`

/** The pointer of the mapping or list around; empty for the document and what stands in it. */
export const parentPointer = (pointer: string): string =>
  pointer.slice(0, Math.max(0, pointer.lastIndexOf('/')))

/** The key or index that a pointer ends with. */
export const lastKey = (pointer: string): string =>
  pointer
    .slice(pointer.lastIndexOf('/') + 1)
    .replaceAll('~1', '/')
    .replaceAll('~0', '~')

const plainKey = /^[A-Za-z_$][\w$-]*$/

/** `schedules.nightly.steps[0].backup`; keys that would be ambiguous are quoted. */
export function childPath(path: string, key: string | number): string {
  if (typeof key === 'number') return `${path}[${key}]`
  if (!plainKey.test(key)) return `${path}[${JSON.stringify(key.slice(0, 80))}]`
  return path === '' ? key : `${path}.${key}`
}

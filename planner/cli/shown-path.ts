/** Paths in results: relative to the working directory while that is shorter. */
import * as path from 'node:path'

export function shownPath(file: string): string {
  const relative = path.relative('.', file)
  return relative.length < file.length ? relative : file
}

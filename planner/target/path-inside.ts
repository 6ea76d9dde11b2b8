/** Paths of stored files as records name them. */
import * as path from 'node:path'
import { fileURLToPath } from 'node:url'

/** The path of a file below a destination, relative to it where that can be told. */
export function pathInside(destination: string, file: string): string {
  const root = destination.startsWith('file:') ? fileURLToPath(destination) : destination
  const inside = path.relative(root, file)
  return inside.startsWith('..') || path.isAbsolute(inside) ? file : inside
}

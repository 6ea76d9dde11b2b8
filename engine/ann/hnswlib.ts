/**
 * The native library: found or not, and the one type of it that is used.
 *
 * hnswlib-node is an optional dependency, because it needs a C++ compiler where it is installed. A
 * restore must not: without it collections are searched exactly. Importing it is left to the first
 * caller, so that commands which search nothing do not pay for it.
 */
import { endianness } from 'node:os'
import type { HierarchicalNSW } from 'hnswlib-node'
import { fail } from '../base/errors.ts'

export type NativeGraph = HierarchicalNSW
export type NativeGraphClass = typeof HierarchicalNSW

export type Availability =
  | { readonly available: true }
  | {
      readonly available: false
      /** One line that says why not, for people. */
      readonly reason: string
    }

type Loaded =
  | { readonly available: true; readonly graphClass: NativeGraphClass }
  | { readonly available: false; readonly reason: string }

let loaded: Promise<Loaded> | undefined

/** Whether graphs can be built and searched on this machine, and why not otherwise. */
export async function hnswlibAvailability(): Promise<Availability> {
  loaded ??= load()
  const result = await loaded
  return result.available ? { available: true } : result
}

/** @throws `index-unavailable` where {@link hnswlibAvailability} says no */
export async function nativeGraphClass(): Promise<NativeGraphClass> {
  loaded ??= load()
  const result = await loaded
  if (result.available) return result.graphClass
  return fail(
    'index-unavailable',
    `the HNSW index cannot be used: ${result.reason}`,
    'Install a C++ compiler, make and python3 and run "npm ci" again; until then search is exact.',
  )
}

async function load(): Promise<Loaded> {
  if (endianness() !== 'LE') {
    return { available: false, reason: 'its files are little-endian and this processor is not' }
  }
  try {
    const { default: library } = await import('hnswlib-node')
    // Constructing one proves that the addon was not only found but runs.
    new library.HierarchicalNSW('l2', 2).initIndex(1, 2, 2, 1)
    return { available: true, graphClass: library.HierarchicalNSW }
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    return { available: false, reason: firstLine(message) }
  }
}

const firstLine = (text: string): string => text.split('\n', 1)[0] ?? text

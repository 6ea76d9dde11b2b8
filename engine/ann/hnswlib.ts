/**
 * The native library: found or not, and the few methods of it that are used.
 *
 * hnswlib-node is an optional dependency, because it needs a C++ compiler where it is installed. A
 * restore must not: without it collections are searched exactly. For the same reason its own type
 * declarations are not imported here: the product must also compile where it is missing. Loading it is
 * left to the first caller, so that commands which search nothing do not pay for it.
 */
import { endianness } from 'node:os'
import { fail } from '../base/errors.ts'

/**
 * One native graph. It takes plain arrays of numbers only, aborts the process on other values, and must
 * not be used again after a failed `readIndex`.
 */
export interface NativeGraph {
  /** Replaces whatever the object held by an empty graph. */
  initIndex(capacity: number, m: number, efConstruction: number, seed: number): void
  addPoint(vector: number[], label: number): void
  markDelete(label: number): void
  setEf(ef: number): void
  /** `l2` distances are squared. Refuses k above the capacity. */
  searchKnn(
    query: number[],
    k: number,
    accept?: (label: number) => boolean,
  ): { distances: number[]; neighbors: number[] }
  getPoint(label: number): number[]
  getCurrentCount(): number
  readIndex(file: string): Promise<boolean>
  /** Does not notice a full disk. */
  writeIndexSync(file: string): void
}

export type NativeGraphClass = new (space: 'l2' | 'ip', dimension: number) => NativeGraph

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

const packageName = 'hnswlib-node'

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
    // The package exports this class; a test holds our interface against its declarations.
    const library = (await import(packageName)) as {
      default: { HierarchicalNSW: NativeGraphClass }
    }
    const graphClass = library.default.HierarchicalNSW
    // Constructing one proves that the addon was not only found but runs.
    new graphClass('l2', 2).initIndex(1, 2, 2, 1)
    return { available: true, graphClass }
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    return { available: false, reason: firstLine(message) }
  }
}

const firstLine = (text: string): string => text.split('\n', 1)[0] ?? text

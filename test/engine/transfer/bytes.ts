/** Sources made of given bytes, cut where the test likes. */
import fc from 'fast-check'
import { type ByteSource, streamSource } from '../../../engine/transfer/byte-source.ts'

export const bytesSource = (name: string, chunks: readonly Uint8Array[]): ByteSource =>
  streamSource(name, cut(chunks))

async function* cut(chunks: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  for (const chunk of chunks) yield chunk
}

/** The bytes cut at the given places; places beyond the end make empty chunks, as streams may. */
export function cutAt(bytes: Uint8Array, places: readonly number[]): Uint8Array[] {
  const ends = [...places.map((place) => Math.min(place, bytes.length)), bytes.length]
  ends.sort((a, b) => a - b)
  return ends.map((end, index) => bytes.slice(ends[index - 1] ?? 0, end))
}

/** Where to cut: anywhere, also several times at one place. */
export const cuts: fc.Arbitrary<number[]> = fc.array(fc.nat(200), { maxLength: 30 })

export async function collect<T>(values: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = []
  for await (const value of values) list.push(value)
  return list
}

/** The words data that the quickstart uses: 10,000 English words with real vectors, and 100 queries. */
import { readFile } from 'node:fs/promises'

export const wordsDirectory = new URL('../../plans/data/words/', import.meta.url)

export interface Word {
  readonly id: string
  readonly rank: number
  readonly length: number
  readonly initial: string
}

export interface WordQuery {
  readonly word: string
  readonly vector: Float32Array<ArrayBuffer>
  /** The exact ten nearest by cosine, best first, computed by brute force in float64. */
  readonly nearest: readonly { readonly id: string; readonly cosine: number }[]
}

export const wordsDimension = 100

/** The first `count` words in order of frequency. `vectors`: count × 100, row-major float32. */
export async function readWords(
  count = 10_000,
): Promise<{ words: Word[]; vectors: Float32Array<ArrayBuffer> }> {
  const words = (await jsonLines('words-10k.jsonl')).slice(0, count) as Word[] // our own data file
  const vectors = await floats('words-10k.f32')
  return { words, vectors: vectors.subarray(0, words.length * wordsDimension) }
}

/** Words that are not among the 10,000, with their exact neighbours among all of them. */
export async function readWordQueries(): Promise<WordQuery[]> {
  const vectors = await floats('queries-100.f32')
  // our own data file; its README gives the shape
  const truths = (await jsonLines('queries-100.truth.jsonl')) as {
    query: string
    top10: WordQuery['nearest']
  }[]
  return truths.map(({ query, top10 }, row) => ({
    word: query,
    vector: vectors.subarray(row * wordsDimension, (row + 1) * wordsDimension),
    nearest: top10,
  }))
}

async function jsonLines(file: string): Promise<unknown[]> {
  const text = await readFile(new URL(file, wordsDirectory), 'utf8')
  return text
    .trimEnd()
    .split('\n')
    .map((line): unknown => JSON.parse(line))
}

async function floats(file: string): Promise<Float32Array<ArrayBuffer>> {
  const bytes = await readFile(new URL(file, wordsDirectory))
  return new Float32Array(Uint8Array.from(bytes).buffer) // copied: the pool's offset may be unaligned
}

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { crc32 } from '../../../engine/base/checksum.ts'
import { isOperatingError, type OperatingError } from '../../../engine/base/errors.ts'
import { decodeGraph } from '../../../engine/format/graph-check.ts'
import { GRAPH_HEADER_BYTES, type Graph, sealGraph } from '../../../engine/format/graph-file.ts'
import {
  elementLayout,
  encodeHnswlibHeader,
  extractElements,
  extractUpperLevels,
  hnswlibFileBytes,
  readHnswlibTop,
  spliceElements,
  spliceUpperLevels,
  upperOffset,
} from '../../../engine/format/hnswlib-file.ts'
import { copyGraph, forgeGraph, randomGraph, smallGraphSettings } from '../../support/graphs.ts'
import { seededRandom } from '../../support/seeded-random.ts'

const settings = smallGraphSettings
const file = 'segments/00000007.graph'
const graph = randomGraph(seededRandom(1))

/** The error of decoding, or undefined when the bytes pass. */
function refusal(bytes: Uint8Array, expected = settings): OperatingError | undefined {
  try {
    decodeGraph(bytes, expected, file)
    return undefined
  } catch (error) {
    if (isOperatingError(error)) return error
    throw error
  }
}

describe('a graph file', () => {
  it('decodes to the links that were sealed', () => {
    const decoded = decodeGraph(Uint8Array.from(graph.bytes), settings, file)
    expect(decoded).toEqual(graph)
  })

  it('decodes from memory that starts anywhere', () => {
    const shifted = new Uint8Array(graph.bytes.length + 1)
    shifted.set(graph.bytes, 1)
    const decoded = decodeGraph(shifted.subarray(1), settings, file)
    expect(decoded.level0).toEqual(graph.level0)
    expect(decoded.upper).toEqual(graph.upper)
  })

  it('has its header where the byte table says', () => {
    const header = Buffer.from(graph.bytes.buffer, 0, GRAPH_HEADER_BYTES)
    expect(header.toString('latin1', 0, 8)).toBe('VDRGRA\r\n')
    expect(header.readUInt16LE(8)).toBe(1)
    expect(header.readUInt16LE(10)).toBe(1)
    expect(header.readUInt32LE(12)).toBe(1)
    expect(header.readBigUInt64LE(16)).toBe(7n)
    expect([24, 28, 32, 36].map((offset) => header.readUInt32LE(offset))).toEqual([23, 3, 2, 20])
    expect(header.readUInt32LE(40)).toBe(graph.top.maxLevel)
    expect(header.readUInt32LE(44)).toBe(graph.top.entryPoint)
    expect(header.readDoubleLE(48)).toBe(1 / Math.log(2))
    expect(header.readBigUInt64LE(56)).toBe(BigInt(graph.bytes.length - 72))
    expect(header.readUInt32LE(64)).toBe(crc32(graph.bytes.subarray(72)))
    expect(header.readUInt32LE(68)).toBe(crc32(graph.bytes.subarray(0, 68)))
    expect([...graph.bytes.subarray(72, 72 + 23)]).toEqual([...graph.levels])
  })

  it('case 13: every flipped bit is damage that names the file and an offset', () => {
    const bytes = Uint8Array.from(graph.bytes)
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const byte = bit >> 3
      bytes[byte] = (bytes[byte] ?? 0) ^ (1 << (bit & 7))
      const error = refusal(bytes)
      expect(error?.code, `bit ${bit}`).toBe('damaged')
      expect(error?.place.file).toBe(file)
      expect(error?.place.offset).toBeTypeOf('number')
      bytes[byte] = (bytes[byte] ?? 0) ^ (1 << (bit & 7))
    }
    expect(refusal(bytes)).toBeUndefined()
  })

  it('case 21: cut at any byte, or grown, it is damaged', () => {
    for (let length = 0; length < graph.bytes.length; length++) {
      expect(refusal(graph.bytes.slice(0, length))?.code, `${length} bytes`).toBe('damaged')
    }
    for (const more of [1, 4, 1000]) {
      const grown = new Uint8Array(graph.bytes.length + more)
      grown.set(graph.bytes)
      expect(refusal(grown)?.code).toBe('damaged')
    }
  })

  it('case 23: a newer version is refused with the advice to upgrade', () => {
    const bytes = Buffer.from(graph.bytes)
    bytes.writeUInt16LE(2, 8)
    bytes.writeUInt32LE(crc32(bytes.subarray(0, 68)), 68)
    const error = refusal(bytes)
    expect(error?.code).toBe('newer-format')
    expect(error?.message).toContain('version 2')
    expect(error?.hint).toContain('Upgrade')
  })

  it('case 19: the file of another segment is refused', () => {
    const error = refusal(graph.bytes, { ...settings, segment: 8 })
    expect(error?.code).toBe('damaged')
    expect(error?.message).toContain('its segment is 7, not 8')
    expect(error?.place.offset).toBe(16)
  })

  it.each([
    [{ count: 24 }, 'count is 23, not 24'],
    [{ dimension: 4 }, 'dimension is 3, not 4'],
    [{ metric: 'cosine' }, 'metric is 1, not 0'],
    [{ m: 3 }, 'M is 2, not 3'],
    [{ efConstruction: 21 }, 'efConstruction is 20, not 21'],
  ] as const)('built with other settings it is refused: %o', (other, problem) => {
    const error = refusal(graph.bytes, { ...settings, ...other })
    expect(error?.code).toBe('damaged')
    expect(error?.message).toContain(problem)
  })
})

describe('the structural check', () => {
  const refuseForged = (change: (forged: Graph) => Graph, problem: string) => {
    const error = refusal(sealGraph(change(copyGraph(graph))))
    expect(error?.code).toBe('damaged')
    expect(error?.message).toContain(problem)
    return error
  }
  const element = graph.levels.findIndex((level) => level > 0)
  const low = graph.levels.indexOf(0)

  it('refuses a link to an element that is not there, and names its offset', () => {
    const error = refuseForged((forged) => {
      forged.level0[1] = settings.count
      return forged
    }, 'a link out of range')
    expect(error?.place.offset).toBe(72 + 24 + 4)
  })

  it('refuses more links than an element has room for', () => {
    refuseForged((forged) => {
      forged.level0[0] = 2 * settings.m + 1
      return forged
    }, 'a link out of range')
    refuseForged((forged) => {
      forged.upper[0] = settings.m + 1
      return forged
    }, 'a link out of range')
  })

  it('refuses a delete mark in a link count', () => {
    refuseForged((forged) => {
      forged.level0[0] = (forged.level0[0] ?? 0) | 0x10000
      return forged
    }, 'a link out of range')
  })

  it('refuses a link on an upper level to an element that is not on it', () => {
    expect(element).toBeGreaterThanOrEqual(0)
    refuseForged((forged) => {
      forged.upper[0] = 1
      forged.upper[1] = low
      return forged
    }, 'a link on level 1 to an element below it')
  })

  it('refuses an entry point that is not on the max level, or not there', () => {
    refuseForged(
      (forged) => ({ ...forged, top: { ...forged.top, entryPoint: low } }),
      'entry point',
    )
    const entryPoint = settings.count
    refuseForged((forged) => ({ ...forged, top: { ...forged.top, entryPoint } }), 'entry point')
  })

  it('refuses a max level above or below that of the elements', () => {
    const { maxLevel } = graph.top
    for (const wrong of [maxLevel - 1, maxLevel + 1, 65, 2 ** 31]) {
      refuseForged((forged) => ({ ...forged, top: { ...forged.top, maxLevel: wrong } }), 'level')
    }
  })

  it('refuses padding that is not zero', () => {
    refuseForged((forged) => {
      forged.bytes[GRAPH_HEADER_BYTES + settings.count] = 1
      return forged
    }, 'padding')
  })

  it('refuses a level multiplier that M does not give', () => {
    for (const levelMultiplier of [Number.NaN, Number.POSITIVE_INFINITY, 0, 1.5]) {
      refuseForged(
        (forged) => ({ ...forged, top: { ...forged.top, levelMultiplier } }),
        'multiplier',
      )
    }
  })

  it('case 89: accepts a forged file with right checksums only if its structure is sound', () => {
    let accepted = 0
    fc.assert(
      fc.property(fc.integer(), fc.integer({ min: 1, max: 5 }), (seed, changes) => {
        const random = seededRandom(seed)
        const sound = randomGraph(random)
        let forged: Uint8Array = sound.bytes
        for (let change = 0; change < changes && refusal(forged) === undefined; change++) {
          forged = forgeGraph(random, {
            ...copyGraph(sound),
            ...decodeGraph(forged, settings, file),
          })
        }
        const error = refusal(forged)
        if (error !== undefined) {
          expect(error.code).toBe('damaged')
          return
        }
        accepted++
        expect(unsoundness(forged)).toBeUndefined()
      }),
      { numRuns: 2_000 },
    )
    expect(accepted).toBeGreaterThan(100)
  })
})

/** What is wrong with a file, found by reading it byte by byte as the table says. */
function unsoundness(bytes: Uint8Array): string | undefined {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  const { count, m } = settings
  const levels = [...view.subarray(72, 72 + count)]
  if (view.readUInt32LE(40) !== Math.max(...levels)) return 'max level'
  if (levels[view.readUInt32LE(44)] !== Math.max(...levels)) return 'entry point'
  let offset = 72 + Math.ceil(count / 4) * 4
  const block = (slots: number, level: number): string | undefined => {
    const used = view.readUInt32LE(offset)
    if (used > slots) return `link count at ${offset}`
    for (let slot = 0; slot < slots; slot++) {
      const link = view.readUInt32LE(offset + 4 + 4 * slot)
      if (link >= count) return `link at ${offset}`
      if (slot < used && (levels[link] ?? -1) < level) return `level of a link at ${offset}`
    }
    offset += 4 + 4 * slots
    return undefined
  }
  for (let element = 0; element < count; element++) {
    const problem = block(2 * m, 0)
    if (problem !== undefined) return problem
  }
  for (const level of levels) {
    for (let each = 1; each <= level; each++) {
      const problem = block(m, each)
      if (problem !== undefined) return problem
    }
  }
  return offset === view.length ? undefined : `${view.length - offset} bytes left over`
}

describe('the hnswlib file', () => {
  const layout = elementLayout(settings)
  const vectors = Float32Array.from({ length: settings.count * 3 }, (_, index) => index / 8)

  it('has the size and the header that hnswlib gives it', () => {
    expect(layout).toEqual({ words: 1 + 4 + 3 + 2, vectorWord: 5, labelWord: 8 })
    expect(upperOffset(settings)).toBe(96 + 23 * 40)
    const header = encodeHnswlibHeader(settings, graph.top)
    expect(header.length).toBe(96)
    expect([0, 8, 16, 24, 32, 40, 56, 64, 72, 88].map((at) => header.readBigUInt64LE(at))).toEqual([
      0n,
      23n,
      23n,
      40n,
      32n,
      20n,
      2n,
      4n,
      2n,
      20n,
    ])
    expect(readHnswlibTop(header, settings)).toEqual(graph.top)
  })

  it('keeps efConstruction at M or above, as hnswlib does', () => {
    const header = encodeHnswlibHeader({ ...settings, m: 30, efConstruction: 20 }, graph.top)
    expect(header.readBigUInt64LE(88)).toBe(30n)
  })

  const putVector = (element: number, target: Float32Array, at: number) =>
    target.set(vectors.subarray(element * 3, element * 3 + 3), at)

  it('is taken apart into the graph it was put together from', () => {
    const elements = new ArrayBuffer(settings.count * layout.words * 4)
    spliceElements(graph, 0, settings.count, putVector, elements)
    const upper = spliceUpperLevels(graph)
    expect(upperOffset(settings) + upper.length).toBe(hnswlibFileBytes(graph))
    const again = extractUpperLevels(upper, settings, graph.top)
    if (again === undefined) throw new Error('the upper levels are complete')
    extractElements(again, 0, settings.count, elements)
    expect(sealGraph(again)).toEqual(graph.bytes)
  })

  it('carries each vector and its number in each element', () => {
    const from = 5
    const to = 9
    const elements = new ArrayBuffer((to - from) * layout.words * 4)
    spliceElements(graph, from, to, putVector, elements)
    const view = Buffer.from(elements)
    for (let element = from; element < to; element++) {
      const start = (element - from) * 40
      expect(view.readUInt32LE(start)).toBe(graph.level0[element * 5])
      expect(view.readFloatLE(start + 20)).toBe(vectors[element * 3])
      expect(view.readBigUInt64LE(start + 32)).toBe(BigInt(element))
    }
  })

  it('says so when its upper levels are cut short', () => {
    const upper = spliceUpperLevels(graph)
    for (let length = 0; length < upper.length; length++) {
      expect(extractUpperLevels(upper.slice(0, length), settings, graph.top)).toBeUndefined()
    }
  })
})

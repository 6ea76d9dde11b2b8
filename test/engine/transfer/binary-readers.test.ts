import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readF32 } from '../../../engine/transfer/f32-reader.ts'
import { readFvecs } from '../../../engine/transfer/fvecs-reader.ts'
import { openNpy } from '../../../engine/transfer/npy-reader.ts'
import { bytesSource, collect, cutAt, cuts } from './bytes.ts'

const float32 = fc.float({ noNaN: true })

/** n × dimension float32 values. */
const matrices = fc
  .tuple(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 0, max: 12 }))
  .chain(([dimension, rows]) =>
    fc
      .array(fc.array(float32, { minLength: dimension, maxLength: dimension }), {
        minLength: rows,
        maxLength: rows,
      })
      .map((values) => ({ dimension, values })),
  )

const floats = (values: readonly number[]) => Buffer.from(Float32Array.from(values).buffer)

function npy(header: string, data: Uint8Array, version: 1 | 2 = 1): Buffer {
  const text = Buffer.from(`${header}\n`)
  const size = Buffer.alloc(version === 1 ? 2 : 4)
  size.writeUIntLE(text.length, 0, size.length)
  return Buffer.concat([
    Buffer.from('\x93NUMPY', 'latin1'),
    Buffer.from([version, 0]),
    size,
    text,
    data,
  ])
}

const header = (descr: string, shape: string, order = 'False') =>
  `{'descr': '${descr}', 'fortran_order': ${order}, 'shape': ${shape}, }   `

const vectorsOf = (rows: { vector: ArrayLike<number> }[]) =>
  rows.map(({ vector }) => [...Array.from(vector)])

describe('readF32', () => {
  it('yields the rows wherever the stream is cut', async () => {
    await fc.assert(
      fc.asyncProperty(matrices, cuts, async ({ dimension, values }, places) => {
        const source = bytesSource('m.f32', cutAt(floats(values.flat()), places))
        const rows = await collect(readF32(source, dimension))
        expect(vectorsOf(rows)).toEqual(values)
        expect(rows.map(({ row }) => row)).toEqual(values.map((_, index) => index))
      }),
    )
  })

  it('refuses a file that ends inside a row, before the first row when the size is known', async () => {
    const bytes = floats([1, 2, 3, 4, 5])
    const streamed = readF32(bytesSource('m.f32', [bytes]), 2)
    await streamed.next()
    await streamed.next()
    await expect(streamed.next()).rejects.toMatchObject({
      code: 'invalid-input-file',
      message: "m.f32 row 2: the file ends after 4 of the row's 8 bytes",
    })
    const sized = { ...bytesSource('m.f32', [bytes]), sizeBytes: bytes.length }
    await expect(readF32(sized, 2).next()).rejects.toMatchObject({ place: { offset: 16 } })
  })
})

describe('readFvecs', () => {
  const fvecs = (values: readonly (readonly number[])[]) =>
    Buffer.concat(
      values.flatMap((row) => [Buffer.from(Int32Array.of(row.length).buffer), floats(row)]),
    )

  it('yields the rows wherever the stream is cut', async () => {
    await fc.assert(
      fc.asyncProperty(matrices, cuts, async ({ values }, places) => {
        const rows = await collect(readFvecs(bytesSource('m.fvecs', cutAt(fvecs(values), places))))
        expect(vectorsOf(rows)).toEqual(values)
      }),
    )
  })

  it('refuses another dimension, an absurd one, and every cut', async () => {
    const good = fvecs([
      [1, 2],
      [3, 4],
    ])
    const read = (bytes: Uint8Array) => collect(readFvecs(bytesSource('m.fvecs', [bytes])))
    await expect(read(Buffer.concat([good, fvecs([[5]])]))).rejects.toMatchObject({
      message: 'm.fvecs row 2: the dimension is 1, that of row 0 is 2',
      place: { offset: good.length },
    })
    await expect(read(Buffer.alloc(8))).rejects.toThrow('the dimension is 0')
    for (let size = 1; size < good.length; size++) {
      if (size === good.length / 2) continue // a whole row
      await expect(read(good.subarray(0, size))).rejects.toThrow(/the file ends inside/)
    }
  })
})

describe('openNpy', () => {
  const open = (bytes: Uint8Array) => openNpy(bytesSource('m.npy', [bytes]))

  it('yields the rows of both versions and both types wherever the stream is cut', async () => {
    const versions = fc.constantFrom<1 | 2>(1, 2)
    await fc.assert(
      fc.asyncProperty(
        matrices,
        cuts,
        versions,
        fc.boolean(),
        async (matrix, places, version, double) => {
          const { dimension, values } = matrix
          const data = double
            ? Buffer.from(Float64Array.from(values.flat()).buffer)
            : floats(values.flat())
          const text = header(double ? '<f8' : '<f4', `(${values.length}, ${dimension})`)
          const file = await openNpy(bytesSource('m.npy', cutAt(npy(text, data, version), places)))
          expect(file.header).toEqual({
            valueBytes: double ? 8 : 4,
            rows: values.length,
            dimension,
          })
          expect(vectorsOf(await collect(file.rows))).toEqual(values)
        },
      ),
    )
  })

  it('takes the keys in any order and no trailing comma', async () => {
    const text = "{'shape': (1, 2), 'descr': '<f4', 'fortran_order': False}"
    const file = await open(npy(text, floats([1, 2])))
    expect(vectorsOf(await collect(file.rows))).toEqual([[1, 2]])
  })

  const refused: [what: string, bytes: Uint8Array, message: RegExp, hint: RegExp][] = [
    ['another file', Buffer.from('{"id":1}'), /does not start as a .npy/, /numpy.save/],
    ['an empty file', Buffer.alloc(0), /does not start/, /./],
    [
      'version 3.0',
      Buffer.from('\x93NUMPY\x03\x00\x10\x00', 'latin1'),
      /version is 3.0/,
      /1.0 and 2.0/,
    ],
    ['no header', Buffer.from('\x93NUMPY\x01\x00', 'latin1'), /header has 0 bytes/, /./],
    [
      'a huge header',
      Buffer.from('\x93NUMPY\x02\x00\xff\xff\xff\x7f', 'latin1'),
      /2147483647 bytes/,
      /./,
    ],
    [
      'a cut header',
      npy(header('<f4', '(1, 2)'), floats([])).subarray(0, 40),
      /inside its header/,
      /./,
    ],
    [
      'Fortran order',
      npy(header('<f4', '(1, 2)', 'True'), floats([1, 2])),
      /Fortran/,
      /ascontiguous/,
    ],
    ['half floats', npy(header('<f2', '(1, 2)'), Buffer.alloc(4)), /'<f2'/, /astype/],
    ['big-endian floats', npy(header('>f4', '(1, 2)'), Buffer.alloc(8)), /'>f4'/, /astype/],
    ['objects', npy(header('|O', '(1, 2)'), Buffer.alloc(8)), /'\|O'/, /astype/],
    ['one dimension', npy(header('<f4', '(2,)'), floats([1, 2])), /\(2,\)/, /reshape/],
    [
      'three dimensions',
      npy(header('<f4', '(1, 1, 2)'), floats([1, 2])),
      /two dimensions/,
      /reshape/,
    ],
    ['vectors of no values', npy(header('<f4', '(2, 0)'), floats([])), /\(2, 0\)/, /1 to/],
    [
      'a structured type',
      npy("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1, 1)}", floats([1])),
      /not understood/,
      /ascontiguous/,
    ],
    [
      'a key twice',
      npy("{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (1, 1)}", floats([1])),
      /not understood/,
      /./,
    ],
    ['code', npy("{'descr': __import__('os')}", floats([1])), /not understood/, /./],
  ]
  it.each(refused)('refuses %s with a hint', async (_, bytes, message, hint) => {
    await expect(open(bytes)).rejects.toMatchObject({
      code: 'invalid-input-file',
      message: expect.stringMatching(message),
      hint: expect.stringMatching(hint),
    })
  })

  it('refuses data that is shorter or longer than the header says', async () => {
    const text = header('<f4', '(2, 2)')
    const short = await open(npy(text, floats([1, 2, 3])))
    await expect(collect(short.rows)).rejects.toThrow('m.npy row 1: the data ends here')
    const long = await open(npy(text, floats([1, 2, 3, 4, 5])))
    await expect(collect(long.rows)).rejects.toThrow("data goes on after the header's 2 rows")
    const bytes = npy(text, floats([1, 2, 3]))
    const sized = { ...bytesSource('m.npy', [bytes]), sizeBytes: bytes.length }
    await expect(openNpy(sized)).rejects.toThrow('12 bytes of data, its header says 16')
  })
})

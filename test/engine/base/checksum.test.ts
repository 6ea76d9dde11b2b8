import { randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import { crc32, sha256, sha256Hex } from '../../../engine/base/checksum.ts'

const ascii = (text: string): Buffer => Buffer.from(text, 'ascii')

test('crc32 gives the check values of CRC-32/ISO-HDLC', () => {
  expect(crc32(ascii(''))).toBe(0)
  expect(crc32(ascii('a'))).toBe(0xe8b7be43)
  expect(crc32(ascii('123456789'))).toBe(0xcbf43926)
  expect(crc32(Buffer.alloc(32, 0xff))).toBe(0xff6cab0b)
})

test('crc32 continued over parts equals crc32 of the whole', () => {
  const bytes = randomBytes(1_000)
  for (const cut of [0, 1, 500, 999, 1_000]) {
    expect(crc32(bytes.subarray(cut), crc32(bytes.subarray(0, cut)))).toBe(crc32(bytes))
  }
})

test('crc32 notices every single flipped bit of a record', () => {
  const bytes = randomBytes(64)
  const good = crc32(bytes)
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    const damaged = Buffer.from(bytes)
    damaged[bit >> 3] = (damaged[bit >> 3] ?? 0) ^ (1 << (bit & 7))
    expect(crc32(damaged)).not.toBe(good)
  }
})

test('sha256 gives the vectors of FIPS 180-4', () => {
  expect(sha256Hex('')).toBe('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855')
  expect(sha256Hex('abc')).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad')
  expect(sha256Hex(ascii('abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq'))).toBe(
    '248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1',
  )
})

test('sha256 gives 32 bytes, and hex takes text as UTF-8', () => {
  expect(sha256(ascii('abc'))).toHaveLength(32)
  expect(sha256(ascii('abc')).toString('hex')).toBe(sha256Hex('abc'))
  expect(sha256Hex('é')).toBe(sha256Hex(Buffer.from([0xc3, 0xa9])))
})

test('sha256 of a view covers the view, not the buffer below it', () => {
  const whole = Uint8Array.from([1, 2, 3, 4, 5])
  expect(sha256Hex(whole.subarray(1, 3))).toBe(sha256Hex(Uint8Array.from([2, 3])))
})

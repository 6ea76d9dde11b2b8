import { describe, expect, test } from 'vitest'
import { patterns } from '../../../engine/format/fields.ts'
import {
  epochName,
  HISTORY_BYTES,
  newEpoch,
  newUuid,
  UUID_BYTES,
  uuidToBytes,
} from '../../../engine/format/identity.ts'
import { isCollectionPath } from '../../../engine/format/manifest.ts'

describe('an identity', () => {
  test('has a UUID of 16 bytes in the order in which it is written', () => {
    expect(uuidToBytes('00112233-4455-6677-8899-aabbccddeeff').toString('hex')).toBe(
      '00112233445566778899aabbccddeeff',
    )
    for (let i = 0; i < 100; i++) {
      const uuid = newUuid()
      expect(uuid).toMatch(patterns.uuid)
      expect(uuidToBytes(uuid)).toHaveLength(UUID_BYTES)
    }
  })

  test('has another history each time, although the number is the same', () => {
    const epochs = Array.from({ length: 1000 }, () => newEpoch(2))
    expect(new Set(epochs.map(({ history }) => history)).size).toBe(1000)
    for (const { number, history } of epochs) {
      expect(number).toBe(2)
      expect(history).toMatch(patterns.history)
      expect(history).toHaveLength(2 * HISTORY_BYTES)
    }
  })

  test('is a path element that a collection directory may hold, up to the last epoch', () => {
    const history = '0123456789abcdef'
    expect(epochName({ number: 3, history })).toBe('000003-0123456789abcdef')
    for (const number of [1, 999_999, 1_000_000, 0xffffffff]) {
      const path = `wal/${epochName({ number, history })}/0000000000000001.wal`
      expect(isCollectionPath(path), path).toBe(true)
    }
  })
})

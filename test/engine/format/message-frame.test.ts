import { expect, test } from 'vitest'
import { sha256 } from '../../../engine/base/checksum.ts'
import { decodeMessage, encodeMessage } from '../../../engine/format/message-frame.ts'

const message = encodeMessage({ kind: 'ship', lsn: 7 }, Buffer.from('records'))

test('a message comes back as it was sent', () => {
  const { header, body } = decodeMessage(message, 'n1')
  expect(header).toEqual({ kind: 'ship', lsn: 7 })
  expect(body.toString()).toBe('records')
})

test('case 65: every flipped bit, every cut and every byte more is refused', () => {
  for (let bit = 0; bit < message.length * 8; bit++) {
    const damaged = Buffer.from(message)
    damaged.writeUInt8(damaged.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3)
    expect(() => decodeMessage(damaged, 'n1'), `bit ${bit}`).toThrow(/damaged|version/)
  }
  for (let length = 0; length < message.length; length++) {
    expect(() => decodeMessage(message.subarray(0, length), 'n1')).toThrow('damaged')
  }
  expect(() => decodeMessage(Buffer.concat([message, Buffer.from('x')]), 'n1')).toThrow('damaged')
})

test('a header that is no JSON, or no object, is refused although its hash fits', () => {
  for (const text of ['{"kind":', '[]', '"ship"', 'null']) {
    const bytes = encodeMessage({}, Buffer.from(text))
    // the text of an empty object is taken out, and the length and the hash written anew
    const forged = Buffer.concat([bytes.subarray(0, 48), Buffer.from(text)])
    forged.writeUInt32LE(text.length, 12)
    sha256(Buffer.concat([forged.subarray(0, 16), forged.subarray(48)])).copy(forged, 16)
    expect(() => decodeMessage(forged, 'n1'), text).toThrow('its header is no object')
  }
})

/** Little-endian floats of a binary file as typed arrays, on machines of either byte order. */
import { endianness } from 'node:os'

const swap = endianness() === 'BE'

/** Takes the buffer over, no copy. `bytes` is aligned to 4. */
export function toFloat32(bytes: Buffer): Float32Array {
  if (swap) bytes.swap32()
  return new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4)
}

/** Takes the buffer over, no copy. `bytes` is aligned to 8. */
export function toFloat64(bytes: Buffer): Float64Array {
  if (swap) bytes.swap64()
  return new Float64Array(bytes.buffer, bytes.byteOffset, bytes.length / 8)
}

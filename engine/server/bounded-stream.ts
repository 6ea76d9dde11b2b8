/** A body as it arrives, that fails once more has come than may. */
import { type Readable, Transform } from 'node:stream'
import { OperatingError } from '../base/errors.ts'

/** The bytes of `source`; reading fails with `limit-exceeded` behind `maxBytes` of them. */
export function boundedStream(source: Readable, maxBytes: number): Readable {
  let bytes = 0
  const bounded = new Transform({
    transform(chunk: Buffer, _, done) {
      bytes += chunk.length
      if (bytes <= maxBytes) return done(null, chunk)
      const hint = `Send at most ${maxBytes} bytes at once.`
      done(new OperatingError('limit-exceeded', 'the body is too large', hint))
    },
  })
  source.once('error', (error) => bounded.destroy(error))
  return source.pipe(bounded)
}

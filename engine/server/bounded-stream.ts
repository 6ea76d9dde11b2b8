/** A body as it arrives, that fails once more has come than may. */
import { type Readable, Transform } from 'node:stream'
import { tooLarge } from './request-body.ts'

/** The bytes of `source`; reading fails with `request-too-large` behind `maxBytes` of them. */
export function boundedStream(source: Readable, maxBytes: number): Readable {
  let bytes = 0
  const bounded = new Transform({
    transform(chunk: Buffer, _, done) {
      bytes += chunk.length
      if (bytes <= maxBytes) return done(null, chunk)
      done(tooLarge(maxBytes))
    },
  })
  source.once('error', (error) => bounded.destroy(error))
  return source.pipe(bounded)
}

/** The worker module behind hash-threads.ts. */
import { sha256Hex } from './checksum.ts'
import type { HashTask } from './hash-threads.ts'
import { serveThread } from './thread-pool.ts'

serveThread({
  sha256: ({ bytes, offset, length }: HashTask) => sha256Hex(new Uint8Array(bytes, offset, length)),
})

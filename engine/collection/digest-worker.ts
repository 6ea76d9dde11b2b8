/** The worker module behind content-proof.ts. */
import { serveThread } from '../base/thread-pool.ts'
import { proveRange } from './prove-range.ts'

serveThread({ prove: proveRange })

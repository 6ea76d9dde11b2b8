/** The thread beside a long ledger that is read: see `line-chunks.ts`. */
import { serveThread } from '../../engine/threads.ts'
import { proveLines } from './line-proofs.ts'

serveThread({ prove: proveLines })

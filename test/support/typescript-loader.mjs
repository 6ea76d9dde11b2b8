// Lets worker threads that a test starts run the TypeScript sources directly. `--import tsx` alone
// does not reach worker threads on Node 20; registering through its API does.
import { register } from 'tsx/esm/api'

register()

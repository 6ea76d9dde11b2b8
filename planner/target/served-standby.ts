/** A served engine as a node of a cluster: the routes below `/vectra/v1/cluster`. */
import { RemoteCollection, reconcile, type VectraClient } from '../../engine/operations.ts'
import type { LocateThere } from './locations.ts'
import type {
  Asking,
  Joined,
  LossWindow,
  LostFile,
  NodeReading,
  Promoted,
  Rejoined,
  StandbyAdapter,
} from './standby.ts'

const base = '/vectra/v1/cluster'

const lostPath = (collection: string, ...file: readonly string[]): string =>
  ['/vectra/v1/collections', collection, 'lost-records', ...file]
    .map((each, index) => (index === 0 ? each : encodeURIComponent(each)))
    .join('/')

/** @param clientOf asks, until the work's signal; `wire`: what a server opens a destination with */
export function servedStandby(
  clientOf: (work: Asking) => VectraClient,
  wire: LocateThere,
): StandbyAdapter {
  return {
    read: (work) => clientOf(work).ask<NodeReading>('GET', base),

    async replicate(collection, node, { mode, base: from }, work) {
      const client = clientOf(work)
      await client.ask('POST', `${base}/nodes`, node)
      const name = encodeURIComponent(collection)
      const path = `/vectra/v1/collections/${name}/replicas/${encodeURIComponent(node.name)}`
      const source = from === undefined ? undefined : await wire(from, work.signal)
      const wanted = { mode, ...(source && { base: { source } }) }
      return (await client.patient().ask<{ joined: Joined }>('PUT', path, wanted)).joined
    },

    rejoin: (collection, primary, mode, work) =>
      clientOf(work)
        .patient()
        .ask<Rejoined>('POST', `${base}/rejoin`, { collection, primary, mode }),

    fence: (collection, work) =>
      clientOf(work).ask<{ lsn: number }>('POST', `${base}/fence`, { collection }),

    async lossOf(collection, planned, work) {
      const request = { collection, planned }
      return (await clientOf(work).ask<{ window: LossWindow }>('POST', `${base}/promote`, request))
        .window
    },

    promote: (collection, planned, accept, work) =>
      clientOf(work).ask<Promoted>('POST', `${base}/promote`, { collection, planned, accept }),

    async lost(collection, work) {
      return (await clientOf(work).ask<{ files: LostFile[] }>('GET', lostPath(collection))).files
    },

    readLost: (collection, { file }, work) => clientOf(work).bytes(lostPath(collection, file)),

    async markReplayed(collection, { file }, work) {
      await clientOf(work).ask('PUT', `${lostPath(collection, file)}/replayed`)
    },

    async replay(collection, bytes, place, work) {
      const target = await RemoteCollection.open(clientOf(work), collection)
      const options = { replay: true, overwrite: false }
      const { records, absent, different, written } = await reconcile(target, bytes, place, options)
      return { records, absent: absent.length, different: different.length, written }
    },
  }
}

/** Files of records that only an old primary had: what there is, one of them, and that it was replayed. */
import { listLostFiles, markReplayed, readLostFile } from '../replica/lost-files.ts'
import { lostDirectoryOf } from '../replica/lost-records.ts'
import { json, type Route, type Served } from './route.ts'

const tag = 'Cluster'

/** See the head of this file. */
export function lostRoutes({ directory, disk }: Served): Route[] {
  const place = lostDirectoryOf(directory.path)
  return [
    {
      method: 'GET',
      path: '/vectra/v1/collections/:name/lost-records',
      tag,
      summary: 'The files on this node with records that the history of the collection lacks.',
      handle: async ({ params: { name = '' } }) => {
        const collection = await directory.open(name)
        return json({ files: await listLostFiles(disk, place, collection) })
      },
    },
    {
      method: 'GET',
      path: '/vectra/v1/collections/:name/lost-records/:file',
      tag,
      summary: 'One of these files, as it is.',
      answerType: 'application/jsonl',
      handle: async ({ params: { name = '', file = '' } }) => {
        const collection = await directory.open(name)
        const bytes = await readLostFile(disk, place, collection, file)
        return { kind: 'bytes', contentType: 'application/jsonl', bytes }
      },
    },
    {
      method: 'PUT',
      path: '/vectra/v1/collections/:name/lost-records/:file/replayed',
      tag,
      summary: 'Says of one of these files that it was replayed: nobody does it again.',
      handle: async ({ params: { name = '', file = '' } }) => {
        await markReplayed(disk, place, await directory.open(name), file)
        return json({ collection: name, file, isReplayed: true })
      },
    },
  ]
}

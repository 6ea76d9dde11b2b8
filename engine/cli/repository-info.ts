/** `repository info URL` */
import type { Command } from 'commander'
import type { RepositoryInfo } from '../copies/info.ts'
import { epochName } from '../format/identity.ts'
import type { Context } from './context.ts'
import { showBytes, showCount } from './quantity.ts'
import { type AccessFlags, located } from './repository-access.ts'
import { examples, type Runner } from './runner.ts'
import { renderPairs } from './table.ts'

export function addInfo(repository: Command, run: Runner): void {
  repository
    .command('info')
    .description('what a repository is, what it holds and what room it takes')
    .argument('<url>', 'repository')
    .addHelpText(
      'after',
      examples('repository info /mnt/backups/vectra', 'repository info s3://backups/vectra --json'),
    )
    .action(run(info))
}

async function info(context: Context, url: string, flags: AccessFlags) {
  const { repositoryInfo } = await import('../copies/info.ts')
  const { disk, clock, signal } = context.io
  const repository = await located(context, url, flags)
  const result = await repositoryInfo({ repository, disk, clock, signal })
  await context.print(renderPairs(describe(result)))
  for (const { place, error } of result.unreadable) await context.warn(`${place}: ${error.message}`)
  for (const key of result.strangers) await context.remark(`${key} was not written by vectra`)
  return result
}

function describe(result: RepositoryInfo): (readonly [string, string])[] {
  const { encryption, objectLock, stored, referenced, unreferenced, archive, locks } = result
  const sum = ({ objects, bytes }: typeof stored) =>
    `${showBytes(bytes)} in ${showCount(objects, 'object')}`
  const log = `${showBytes(archive.bytes)} in ${showCount(archive.files, 'file')}`
  return [
    ['repository', result.url],
    ['id', result.id],
    ['created', result.createdAt],
    [
      'encryption',
      encryption === null ? 'none' : `${encryption.cipher}, keys ${encryption.keys.join(', ')}`,
    ],
    ...(objectLock === null
      ? []
      : [['locks new values', `${objectLock.mode}, ${objectLock.forMs / 86_400_000} d`] as const]),
    ...result.collections.map(({ collection, snapshots, newest }) => {
      const { snapshotId, asOfAt, points, totalBytes } = newest
      const text = `${showCount(snapshots, 'snapshot')}; newest ${snapshotId} of ${asOfAt}, ${showCount(points, 'point')}, ${showBytes(totalBytes)}`
      return [`collection ${collection}`, text] as const
    }),
    ['stored', sum(stored)],
    ['needed by snapshots', `${sum(referenced)}, for ${showBytes(result.snapshotBytes)} of files`],
    ['needed by none', sum(unreferenced)],
    ['archived log', log],
    ...archive.ranges.map(
      ({ uuid, epoch, firstLsn, lastLsn }) =>
        ['any LSN', `from ${firstLsn} to ${lastLsn} (${uuid}, epoch ${epochName(epoch)})`] as const,
    ),
    ...(locks === null
      ? []
      : [
          [
            'locked',
            `${locks.locked} of ${locks.locked + locks.unlocked} values, the first until ${locks.earliestUntil ?? 'further notice'}`,
          ] as const,
        ]),
    ['in use by', showCount(result.users, 'lock')],
  ]
}

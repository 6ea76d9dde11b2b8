/** `repository init URL`: a repository made on purpose, with how everybody shall lock what they write. */
import type { Command } from 'commander'
import { fail } from '../base/errors.ts'
import type { Context } from './context.ts'
import { type LockFlags, lockOptions, lockPolicyOf } from './lock-options.ts'
import { type AccessFlags, keysOf } from './repository-access.ts'
import { probeUrl, unfit } from './repository-probe.ts'
import { examples, type Runner } from './runner.ts'

/** The command. */
export function addInit(repository: Command, run: Runner): void {
  const init = repository
    .command('init')
    .description('make a repository of an empty place, after probing what the store honours')
    .argument('<url>', 'a path, a file://, s3:// or rsync:// URL')
  for (const option of lockOptions()) init.addOption(option)
  init
    .addHelpText(
      'after',
      `
A first backup makes one too. Here it is told how whoever writes locks what is written, and whether
it is encrypted: with a key, it is.
${examples(
  'repository init /mnt/backups/vectra',
  'repository init s3://backups/vectra --object-lock compliance --lock-for 35d',
)}`,
    )
    .action(run(makeRepository))
}

async function makeRepository(context: Context, url: string, flags: AccessFlags & LockFlags) {
  const { Repository } = await import('../repository/repository.ts')
  const { readRepositoryFile } = await import('../repository/repository-file.ts')
  const { disk, clock } = context.io
  const policy = lockPolicyOf(flags)
  const keys = await keysOf(context, flags)
  const { openDestination } = await import('../destination/open-destination.ts')
  const destination = openDestination(url, disk)
  if ((await readRepositoryFile(destination)) !== undefined) {
    fail('file-exists', `there is a repository at ${destination.url} already`, 'Back up to it.')
  }
  const report = await probeUrl(context, url)
  if (!report.fit) throw unfit(report)
  if (policy !== undefined && !report.locks) {
    const lock = report.findings.find(({ check }) => check === 'object lock')
    fail(
      'unsupported-destination',
      `${report.url} does not keep object locks: ${lock?.detail}`,
      'Make a bucket with object lock enabled, or leave --object-lock away.',
    )
  }
  const made = await Repository.create(destination, clock, { keys }, policy)
  const sealed = made.isEncrypted ? ', encrypted' : ''
  const locked = policy ? `, locking by ${policy.mode} for ${showDays(policy.forMs)}` : ''
  await context.confirm(
    `made repository ${made.file.id} at ${made.destination.url}${sealed}${locked}`,
  )
  return {
    repository: made.file.id,
    url: made.destination.url,
    encrypted: made.isEncrypted,
    objectLock: policy ?? null,
  }
}

const dayMs = 86_400_000

const showDays = (durationMs: number): string => `${Number((durationMs / dayMs).toFixed(2))} days`

/** `repository …`: what is done with a repository as a whole. Its commands have files of their own. */
import type { Command } from 'commander'
import { addCopy } from './repository-copy.ts'
import { addForget } from './repository-forget.ts'
import { addInfo } from './repository-info.ts'
import { addInit } from './repository-init.ts'
import { addKey } from './repository-key.ts'
import { addProbe } from './repository-probe.ts'
import { addPrune } from './repository-prune.ts'
import { addRepositoryRepair } from './repository-repair.ts'
import { addStatus } from './repository-status.ts'
import { examples, type Runner } from './runner.ts'

/** The group, with its commands. */
export function addRepository(program: Command, run: Runner): void {
  const repository = program
    .command('repository')
    .description('look after a repository: its keys, its copies, its room')
    .addHelpText(
      'after',
      examples(
        'repository copy /mnt/backups/vectra s3://my-dr-bucket-us-west-2/vectra',
        'repository init s3://backups/vectra --object-lock compliance --lock-for 35d',
        'repository forget /mnt/backups/vectra --keep-last 3 --keep-daily 7 --prune',
        'repository key list /mnt/backups/vectra',
      ),
    )
  const commands = [
    addInit,
    addProbe,
    addInfo,
    addStatus,
    addCopy,
    addRepositoryRepair,
    addForget,
    addPrune,
    addKey,
  ]
  for (const add of commands) add(repository, run)
}

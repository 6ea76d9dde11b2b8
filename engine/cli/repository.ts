/** `repository …`: what is done with a repository as a whole. Its commands have files of their own. */
import type { Command } from 'commander'
import { addKey } from './repository-key.ts'
import { examples, type Runner } from './runner.ts'

/** The group, with its commands. */
export function addRepository(program: Command, run: Runner): void {
  const repository = program
    .command('repository')
    .description('look after a repository: its keys, its copies, its room')
    .addHelpText('after', examples('repository key list /mnt/backups/vectra'))
  for (const add of [addKey]) add(repository, run)
}

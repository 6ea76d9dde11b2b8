/**
 * The tree of commands. Only flags and help are made here; what a command needs of the engine is
 * loaded when it runs, so that help is quick.
 */
import { Command } from 'commander'
import { version } from '../base/version.ts'
import { addAliasesDelete } from './aliases-delete.ts'
import { addAliasesList } from './aliases-list.ts'
import { addAliasesSet } from './aliases-set.ts'
import { addCluster } from './cluster.ts'
import { addArchive } from './collections-archive.ts'
import { addBackup } from './collections-backup.ts'
import { addCheckpoint } from './collections-checkpoint.ts'
import { addCompact } from './collections-compact.ts'
import { addConfig } from './collections-config.ts'
import { addCount } from './collections-count.ts'
import { addCreate } from './collections-create.ts'
import { addDelete } from './collections-delete.ts'
import { addDescribe } from './collections-describe.ts'
import { addDrop } from './collections-drop.ts'
import { addExport } from './collections-export.ts'
import { addImport } from './collections-import.ts'
import { addList } from './collections-list.ts'
import { addReconcile } from './collections-reconcile.ts'
import { addReindex } from './collections-reindex.ts'
import { addRepair } from './collections-repair.ts'
import { addReplicate } from './collections-replicate.ts'
import { addRestore } from './collections-restore.ts'
import { addStats } from './collections-stats.ts'
import { addUpsert } from './collections-upsert.ts'
import { addEndpoint } from './endpoint.ts'
import type { Io } from './io.ts'
import { addJobs } from './jobs.ts'
import { refuseMissing, refuseMistakes } from './option.ts'
import { addRepository } from './repository.ts'
import { addAccessOptions } from './repository-access.ts'
import { createRunner, defaultDataDirectory, examples } from './runner.ts'
import { addSearch } from './search.ts'
import { addServe } from './serve.ts'

/** @param write takes help and version texts */
export function buildProgram(io: Io, write: (text: string) => void): Command {
  const run = createRunner(io)
  const program = new Command('vectra-cli')
    .description('The bundled vector engine: collections, search, backup and restore.')
    .version(version, '--version', 'print the version')
    .helpOption('-h, --help', 'print help')
    .option('--data <dir>', `data directory (default: VECTRA_DATA, else ${defaultDataDirectory})`)
    .option(
      '--endpoint <url>',
      'the server that has the data (default: VECTRA_ENDPOINT, else the one that serves --data)',
    )
    .option(
      '--token <token>',
      'token of the server (default: VECTRA_TOKEN, which other users of this machine do not see)',
    )
    .option('--json', 'one JSON object a line; the last one says the outcome')
    .option('--quiet', 'no progress and no remarks')
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({
      writeOut: write,
      writeErr: () => {}, // errors are told in one place, failure.ts
      getOutHelpWidth: () =>
        io.stdout.isTerminal && io.stdout.columns > 0 ? io.stdout.columns : 100,
      getOutHasColors: () => false,
    })
    .exitOverride()
    .addHelpText(
      'after',
      examples(
        'collections create products --dimension 384',
        'collections import products products.jsonl',
        `search products --like sku-17 -k 5`,
        'collections backup products --destination /mnt/backups/vectra --snapshot-id monday',
        'collections restore products --source /mnt/backups/vectra',
      ),
    )
  const collections = program
    .command('collections')
    .description('make, fill, read, back up and restore collections')
    .addHelpText('after', examples('collections list', 'collections import --help'))
  for (const add of [
    addList,
    addDescribe,
    addCount,
    addStats,
    addCreate,
    addDrop,
    addImport,
    addExport,
    addUpsert,
    addDelete,
    addCheckpoint,
    addCompact,
    addRepair,
    addReindex,
    addConfig,
    addBackup,
    addArchive,
    addRestore,
    addReplicate,
    addReconcile,
  ]) {
    add(collections, run)
  }
  addSearch(program, run)
  const aliases = program
    .command('aliases')
    .description('further names of collections, switched in one step')
    .addHelpText('after', examples('aliases list', 'aliases set catalogue products_v2'))
  for (const add of [addAliasesList, addAliasesSet, addAliasesDelete]) add(aliases, run)
  addRepository(program, run)
  addServe(program, run)
  addCluster(program, run)
  addEndpoint(program, run)
  addJobs(program, run)
  addAccessOptions(program)
  refuseMistakes(program)
  refuseMissing(program)
  return program
}

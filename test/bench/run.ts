/**
 * `npm run bench -- NAME [options]`: runs one benchmark, each in its own file. Every one prints ratios
 * against something else measured in the same run, and exits 1 below its aim at its full size.
 */
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const benchmarks: Record<string, { readonly file: string; readonly about: string }> = {
  restore: {
    file: 'restore-against-rebuild',
    about: 'restore with its graph ÷ building the graph',
  },
  ingest: { file: 'ingest', about: 'durable writes of 64 clients ÷ SQLite, a transaction a point' },
  build: { file: 'build-index', about: 'index build on all cores ÷ one thread of hnswlib-node' },
  incremental: {
    file: 'incremental-backup',
    about: 'incremental backup after 1 % changed ÷ a full one',
  },
  search: { file: 'search', about: 'queries a second at equal recall ÷ one raw index' },
  open: { file: 'open-collection', about: 'opening a collection ÷ building its index' },
  full: {
    file: 'full-backup',
    about: 'full backup, verify, restore of 1 GB ÷ cp + openssl, restic, borg',
  },
  restic: { file: 'incremental-against-restic', about: 'incremental backup ÷ restic' },
  ledger: {
    file: 'ledger',
    about: 'status and ledger verify over 100,000 lines ÷ over 20 lines',
  },
  replication: {
    file: 'replication',
    about: 'ingest with a synchronous standby, search on one that applies, promotion',
  },
  plan: {
    file: 'plan',
    about: 'validate, check, explain of 500 collections and 2,000 steps ÷ parsing the file',
  },
  memory: {
    file: 'memory',
    about: 'peak memory of backup, verify, copy, restore on top of the open collection',
  },
  audit: {
    file: 'audit',
    about: 'an audit over a year of 50 collections ÷ proving its ledger; time and peak memory',
  },
  'walk-through': { file: 'walk-through', about: 'time and memory of each command at 1.5 million' },
}

const [name = '', ...options] = process.argv.slice(2)
const found = Object.hasOwn(benchmarks, name) ? benchmarks[name] : undefined
if (found === undefined) {
  const names = Object.entries(benchmarks).map(
    ([each, { about }]) => `  ${each.padEnd(12)} ${about}`,
  )
  console.error(`usage: npm run bench -- NAME [options]\n${names.join('\n')}`)
  process.exitCode = 2
} else {
  const file = fileURLToPath(new URL(`./${found.file}.ts`, import.meta.url))
  const { status } = spawnSync(process.execPath, [...process.execArgv, file, ...options], {
    stdio: 'inherit',
  })
  process.exitCode = status ?? 1
}

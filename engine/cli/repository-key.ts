/**
 * `repository key generate FILE`, and `add`, `remove`, `list` of the keys that open an encrypted
 * repository. They wrap its one data key, so nothing else is written again.
 */
import { type Command, Option } from 'commander'
import type { KeyRing } from '../repository/key-ring.ts'
import type { Context } from './context.ts'
import { requireOption } from './option.ts'
import { showCount } from './quantity.ts'
import { type AccessFlags, keysOf } from './repository-access.ts'
import { examples, type Runner } from './runner.ts'
import { renderTable } from './table.ts'

interface AddFlags extends AccessFlags {
  readonly newKeyFile: string
  readonly label: string
}

export function addKey(repository: Command, run: Runner): void {
  const key = repository
    .command('key')
    .description('make keys; add, remove and list those that open an encrypted repository')
    .addHelpText(
      'after',
      examples(
        'repository key generate ./backup.key',
        'collections backup products --destination /mnt/sealed --key-file ./backup.key --snapshot-id monday',
        'repository key list /mnt/sealed',
      ),
    )
  key
    .command('generate')
    .description('a new random key in a file that only its owner may read (mode 0600)')
    .argument('<file>', 'where it is written; nothing may stand there')
    .option('--signing', 'an Ed25519 pair for signing snapshots; prints the public half')
    .addHelpText(
      'after',
      examples(
        'repository key generate ./backup.key',
        'repository key generate ./sign.pem --signing',
      ),
    )
    .action(run(generate))
  key
    .command('add')
    .description('let a further key open the repository')
    .argument('<url>', 'repository')
    .addOption(requireOption(new Option('--new-key-file <file>', 'the file with the further key')))
    .addOption(requireOption(new Option('--label <label>', 'what it is called in listings')))
    .addHelpText(
      'after',
      examples(
        'repository key add /mnt/sealed --key-file ./backup.key --new-key-file ./vault.key --label vault',
      ),
    )
    .action(run(add))
  key
    .command('remove')
    .description('let a key open the repository no more; the last one stays')
    .argument('<url>', 'repository')
    .argument('<key>', 'its label or id')
    .addHelpText(
      'after',
      `
Give a key that stays: it is shown that the repository can still be opened. Whoever used the removed
key may have kept what it opens; copies of the old repository.json are opened by it still. When a key
was stolen, make a new repository.
${examples('repository key remove /mnt/sealed first --key-file ./vault.key')}`,
    )
    .action(run(remove))
  key
    .command('list')
    .description('the keys that open the repository; with a key, which one that is')
    .argument('<url>', 'repository')
    .addHelpText('after', examples('repository key list /mnt/sealed --key-file ./vault.key'))
    .action(run(list))
}

async function generate(context: Context, file: string, { signing }: { signing?: true }) {
  const { generateRepositoryKey, generateSigningKey } = await import(
    '../repository/generate-key.ts'
  )
  if (signing === true) {
    const publicKey = await generateSigningKey(file)
    await context.confirm(`wrote ${file}; keep it secret, and sign with --sign-key ${file}`)
    await context.confirm(`its public half, for --trust and plans: ${publicKey}`)
    return { file, kind: 'signing', publicKey }
  }
  await generateRepositoryKey(file)
  await context.confirm(
    `wrote ${file}; keep a copy where the backups are not: without it they are lost`,
  )
  return { file, kind: 'encryption' }
}

async function add(context: Context, url: string, flags: AddFlags) {
  const { addKey } = await import('../repository/key-ring.ts')
  const { readKey } = await import('../repository/key-source.ts')
  const { clock, disk } = context.io
  const further = await readKey({ kind: 'file', path: flags.newKeyFile }, disk)
  const ring = await addKey(await changeOf(context, url, flags), further, flags.label, clock)
  return tell(context, ring, `${flags.label} opens ${ring.url} now`)
}

async function remove(context: Context, url: string, key: string, flags: AccessFlags) {
  const { removeKey } = await import('../repository/key-ring.ts')
  const ring = await removeKey(await changeOf(context, url, flags), key, context.io.clock)
  return tell(context, ring, `${key} opens ${ring.url} no more`)
}

async function list(context: Context, url: string, flags: AccessFlags) {
  const { listKeys } = await import('../repository/key-ring.ts')
  const ring = await listKeys(await changeOf(context, url, flags))
  for (const each of ring.keys) await context.emit(each)
  const { stdout } = context.io
  const columns = ['label', 'id', 'kind', 'created', 'given'].map((title) => ({ title }))
  const rows = ring.keys.map((each) => [
    each.label,
    each.id,
    each.kind,
    each.createdAt,
    each.given ? 'yes' : '',
  ])
  await context.print(renderTable(columns, rows, stdout.isTerminal ? stdout.columns : 0))
  return { repository: ring.repository, url: ring.url, keys: ring.keys.length }
}

const changeOf = async (context: Context, url: string, flags: AccessFlags) => {
  const { openDestination } = await import('../destination/open-destination.ts')
  const destination = openDestination(url, context.io.disk)
  return { destination, keys: await keysOf(context, flags) }
}

async function tell(context: Context, ring: KeyRing, sentence: string): Promise<KeyRing> {
  await context.confirm(`${sentence}; it has ${showCount(ring.keys.length, 'key')}`)
  return ring
}

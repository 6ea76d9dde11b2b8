/**
 * The options that open repositories, the same for every command that names one: keys, whose signatures
 * count, and what is signed with.
 */
import { resolve } from 'node:path'
import { type Command, Option } from 'commander'
import type { RepositoryLocation } from '../backup/sources.ts'
import { fail } from '../base/errors.ts'
import { KiB } from '../base/limits.ts'
import { systemTimer } from '../base/timer.ts'
import { Throttle } from '../destination/throttle.ts'
import type { KeySource } from '../repository/key-source.ts'
import type { RepositoryKey } from '../repository/repository-key.ts'
import type { VectraClient } from '../server/client.ts'
import type { WireLocation } from '../server/wire-location.ts'
import type { Context } from './context.ts'
import { type LockFlags, lockOptions, lockPolicyOf } from './lock-options.ts'
import { bandwidth, listOption, parseWords } from './option.ts'

export interface AccessFlags extends LockFlags {
  readonly keyFile?: readonly string[]
  readonly keyCommand?: readonly string[]
  readonly trust?: readonly string[]
  readonly requireSignature?: true
  readonly signKey?: string
  readonly bandwidth?: number
}

export const keyVariable = 'VECTRA_BACKUP_KEY'

/**
 * Gives the options to every command that names a repository, by `--source`, `--destination`, `--base` or an
 * argument `<url>`, `<from>`, `<to>` of the group `repository`.
 */
export function addAccessOptions(command: Command, below = false): void {
  const isAbout = below || command.name() === 'repository'
  const byOption = command.options.some(
    ({ long }) => long !== undefined && ['--source', '--destination', '--base'].includes(long),
  )
  const byArgument =
    isAbout &&
    command.registeredArguments.some((each) => ['url', 'from', 'to'].includes(each.name()))
  if (byOption || byArgument) {
    const has = (long: string) => command.options.some((option) => option.long === long)
    const writes = command.options.some(({ long }) => long === '--destination')
    for (const option of [
      ...accessOptions(),
      ...(writes ? [signOption(), ...lockOptions()] : []),
    ]) {
      if (!has(option.long ?? '')) command.addOption(option)
    }
  }
  for (const child of command.commands) addAccessOptions(child, isAbout)
}

const signOption = () =>
  new Option('--sign-key <file>', 'sign what is written with the Ed25519 key in this file (PEM)')

const accessOptions = (): Option[] => [
  listOption(
    '--key-file <file>',
    `encrypted repository: the file with its key; given again, a further one to try (default: ${keyVariable})`,
  ),
  listOption(
    '--key-command <words>',
    'encrypted repository: a program that prints its key, with its arguments as a JSON list',
  ),
  listOption(
    '--trust <key>',
    'read only what this Ed25519 public key has signed, or the one in this file; may be given again',
  ),
  new Option('--require-signature', 'fail unless keys are named with --trust'),
  new Option(
    '--bandwidth <rate>',
    'bytes that may pass to and from repositories in a second, in the mean, such as 200MiB/s',
  ).argParser(bandwidth),
]

/**
 * A repository with the keys and signatures that the flags or the environment give for it.
 * @throws `key-refused` when one cannot be read; `usage`
 */
export async function located(
  context: Context,
  location: string,
  flags: AccessFlags,
): Promise<RepositoryLocation> {
  const { disk } = context.io
  const { readPublicKey, readSigner } = await import('../repository/signing.ts')
  const publicKeys: string[] = []
  for (const text of flags.trust ?? []) publicKeys.push(await readPublicKey(text, disk))
  if (flags.requireSignature === true && publicKeys.length === 0) {
    const hint =
      'Name the keys whose signatures count with --trust: anybody can sign with a key of their own.'
    fail('usage', '--require-signature is given without a trusted key', hint)
  }
  const lockPolicy = lockPolicyOf(flags)
  return {
    location,
    ...(lockPolicy && { lockPolicy }),
    keys: await keysOf(context, flags),
    ...(publicKeys.length > 0 && { trust: { publicKeys } }),
    ...throttleOf(context, flags),
    ...(flags.signKey !== undefined && { signer: await readSigner(flags.signKey, disk) }),
  }
}

/**
 * The same for a server: what the flags name is read here and sent. A relative path is one of this
 * working directory, which only a server on this machine can mean.
 * @throws as {@link located}
 */
export async function wireLocated(
  context: Context,
  { endpoint }: VectraClient,
  location: string,
  flags: AccessFlags,
): Promise<WireLocation> {
  const { isLoopback } = await import('../server/admission.ts')
  const isHere = isLoopback(new URL(endpoint).hostname.replace(/^\[|\]$/g, ''))
  const isPath = !location.includes('://')
  const { keys = [], trust, lockPolicy } = await located(context, location, flags)
  const { signKey, bandwidth } = flags
  return {
    location: isPath && isHere ? resolve(location) : location,
    keys: keys.map((each) => each.reveal()),
    ...(trust && { trust: trust.publicKeys }),
    ...(signKey !== undefined && {
      signKey: (await context.io.disk.readFile(signKey, keyFileBytes)).toString('utf8'),
    }),
    ...(bandwidth !== undefined && { bandwidth }),
    ...(lockPolicy && { lock: lockPolicy }),
  }
}

const keyFileBytes = 16 * KiB

const throttles = new WeakMap<Context, Throttle>()

/** One for all repositories of a command: the bound is that of all together. */
export function throttleOf(
  context: Context,
  { bandwidth }: AccessFlags,
): { readonly throttle?: Throttle } {
  if (bandwidth === undefined) return {}
  const { clock, signal, timer = systemTimer } = context.io
  const throttle = throttles.get(context) ?? new Throttle(bandwidth, { clock, timer, signal })
  throttles.set(context, throttle)
  return { throttle }
}

/** The keys that were given; the environment counts where no flag does. */
export async function keysOf(context: Context, flags: AccessFlags): Promise<RepositoryKey[]> {
  const { disk, env, signal } = context.io
  const sources: KeySource[] = [
    ...(flags.keyFile ?? []).map((path) => ({ kind: 'file', path }) as const),
    ...(flags.keyCommand ?? []).map((text) => toCommand(text)),
  ]
  const text = env[keyVariable]
  if (sources.length === 0 && text !== undefined) {
    sources.push({ kind: 'text', text, from: keyVariable })
  }
  const keys: RepositoryKey[] = []
  if (sources.length === 0) return keys
  const { readKey } = await import('../repository/key-source.ts')
  for (const source of sources) keys.push(await readKey(source, disk, signal))
  return keys
}

const toCommand = (text: string): KeySource => ({
  kind: 'command',
  command: parseWords(text, '--key-command', ['pass', 'show', 'backup']),
})

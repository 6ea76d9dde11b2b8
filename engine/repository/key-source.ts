/**
 * Where a person's key comes from: text that the environment held, a file, or what a command prints. It
 * is read when it is needed, kept in a {@link RepositoryKey}, and told to nobody.
 */
import { basename } from 'node:path'
import type { Disk } from '../base/disk.ts'
import { fail, isOperatingError } from '../base/errors.ts'
import { KiB } from '../base/limits.ts'
import { RepositoryKey } from './repository-key.ts'

export type KeySource =
  /** `from` is what people call the place, for messages. */
  | { readonly kind: 'text'; readonly text: string; readonly from: string }
  | { readonly kind: 'file'; readonly path: string }
  /** A program and its arguments; no shell reads them. It has a minute, and its standard output is the key. */
  | { readonly kind: 'command'; readonly command: readonly string[] }

const keyBytes = 4 * KiB
const commandMs = 60_000

/**
 * Reads a key; space around it is not part of it.
 * @throws `key-refused` when there is none
 */
export async function readKey(
  source: KeySource,
  disk: Disk,
  signal?: AbortSignal,
): Promise<RepositoryKey> {
  const { text, from } = await readText(source, disk, signal)
  const key = text.trim()
  if (key === '') fail('key-refused', `${from} holds no key: it is empty`, emptyHint)
  if (/[\r\n\0]/.test(key)) {
    const hint = 'It must be one line: 32 bytes in hex or base64, or a passphrase.'
    fail('key-refused', `${from} holds more than one line`, hint)
  }
  return new RepositoryKey(key)
}

const emptyHint =
  'Put the key there, or take the setting away to use a repository that is not encrypted.'

async function readText(
  source: KeySource,
  disk: Disk,
  signal: AbortSignal | undefined,
): Promise<{ readonly text: string; readonly from: string }> {
  if (source.kind === 'text') return source
  if (source.kind === 'command') {
    return { text: await runCommand(source.command, signal), from: nameOf(source.command) }
  }
  const { path } = source
  try {
    return { text: (await disk.readFile(path, keyBytes)).toString('utf8'), from: path }
  } catch (error) {
    if (!isOperatingError(error)) throw error
    const hint =
      'Check the path and who may read it. A link or a pipe is not followed; a command that prints the key may be.'
    return fail('key-refused', `the key cannot be read: ${error.message}`, hint, {
      place: { file: path },
    })
  }
}

const nameOf = ([program = '']: readonly string[]): string => `the key command ${basename(program)}`

/** What the command prints. What it says to standard error is for people and goes there. */
async function runCommand(
  command: readonly string[],
  signal: AbortSignal | undefined,
): Promise<string> {
  const [program = '', ...args] = command
  const isRunnable = program !== '' && !program.startsWith('-') && !command.join('').includes('\0')
  if (!isRunnable) {
    fail(
      'usage',
      'the key command names no program',
      'Write the program first, then its arguments.',
    )
  }
  const { execa } = await import('execa') // only here: it takes as long to load as all the rest
  const result = await execa(program, args, {
    shell: false,
    preferLocal: false,
    stdin: 'ignore',
    stderr: 'inherit',
    timeout: commandMs,
    maxBuffer: keyBytes,
    reject: false,
    ...(signal && { cancelSignal: signal }),
  })
  signal?.throwIfAborted()
  if (!result.failed) return result.stdout
  const how = result.timedOut
    ? `did not end within ${commandMs / 1000} s`
    : result.isMaxBuffer
      ? `printed more than ${keyBytes} bytes`
      : result.exitCode === undefined
        ? `could not be started or was ended${result.code === undefined ? '' : ` (${result.code})`}`
        : `ended with exit code ${result.exitCode}`
  return fail('key-refused', `${nameOf(command)} ${how}`, 'Run it by hand: it must print the key.')
}

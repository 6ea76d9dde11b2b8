/** Runs `vectra-cli` in this process on a world of the test's making. */
import { systemClock } from '../../../engine/base/clock.ts'
import { nodeDisk } from '../../../engine/base/disk.ts'
import { main } from '../../../engine/cli/command-line.ts'
import type { Io, Output } from '../../../engine/cli/io.ts'

export interface CliRun {
  readonly exitCode: number
  readonly stdout: string
  readonly stderr: string
  /** The objects of `--json`, in order. */
  objects(): Record<string, unknown>[]
}

export interface CliWorld {
  readonly stdin?: AsyncIterable<Uint8Array> | string
  readonly env?: Record<string, string>
  readonly signal?: AbortSignal
  readonly io?: Partial<Io>
}

export async function runCli(argv: readonly string[], world: CliWorld = {}): Promise<CliRun> {
  const out = captured()
  const err = captured()
  const exitCode = await main(argv, {
    stdout: out,
    stderr: err,
    stdin: typeof world.stdin === 'object' ? world.stdin : oneChunk(world.stdin ?? ''),
    env: world.env ?? {},
    clock: systemClock,
    disk: nodeDisk,
    signal: world.signal ?? new AbortController().signal,
    ...world.io,
  })
  const stdout = out.text()
  return {
    exitCode,
    stdout,
    stderr: err.text(),
    objects: () =>
      stdout
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as Record<string, unknown>), // --json writes objects only
  }
}

/** An output that keeps what is written. */
export function captured(
  options: Partial<Pick<Output, 'isTerminal' | 'columns' | 'closed'>> = {},
): Output & { text(): string } {
  const chunks: Buffer[] = []
  return {
    closed: false,
    isTerminal: false,
    columns: 0,
    ...options,
    write: async (data) => {
      chunks.push(Buffer.from(data))
    },
    text: () => Buffer.concat(chunks).toString(),
  }
}

async function* oneChunk(text: string): AsyncGenerator<Uint8Array> {
  if (text !== '') yield Buffer.from(text)
}

/**
 * A program that stands where rsync would: it changes what rsync is told or says, and runs the real one. For
 * far sides that cannot be had here, and for what a connection loses.
 */
import { chmod, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

export interface Witness {
  readonly program: string
  /** The arguments of every run so far. */
  runs(): Promise<string[][]>
}

/** @param script lines of bash; `"$@"` are the arguments. It ends with `exec rsync "$@"` if it does not end. */
export async function rsyncWitness(directory: string, script: string): Promise<Witness> {
  const program = join(directory, 'rsync-witness')
  const log = join(directory, 'rsync-witness.log')
  await writeFile(log, '')
  await writeFile(
    program,
    `#!/usr/bin/env bash\nprintf '%s\\x1f' "$@" >> '${log}'; echo >> '${log}'\n${script}\nexec rsync "$@"\n`,
  )
  await chmod(program, 0o755)
  return {
    program,
    runs: async () =>
      (await readFile(log, 'utf8'))
        .split('\n')
        .filter(Boolean)
        .map((line) => line.split('\x1f').slice(0, -1)),
  }
}

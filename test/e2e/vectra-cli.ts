/** `vectra-cli` as it is installed: the built file, under its name, on a PATH of the test's own. */
import { access, chmod, mkdir, symlink } from 'node:fs/promises'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { execa } from 'execa'

const built = fileURLToPath(new URL('../../dist/engine/cli/main.js', import.meta.url))

export interface ShellRun {
  readonly exitCode: number | undefined
  readonly stdout: string
  readonly stderr: string
}

/** A directory with a link named `vectra-cli`, as npm makes one. @throws when nothing is built */
export async function binDirectory(root: string): Promise<string> {
  await access(built).catch(() => {
    throw new Error(`${built} is missing: run "npm run build" first`)
  })
  const bin = join(root, 'bin')
  await mkdir(bin)
  await chmod(built, 0o755)
  await symlink(built, join(bin, 'vectra-cli'))
  return bin
}

/** The environment in which scripts find `vectra-cli` and its data directory. */
export const scriptEnvironment = (bin: string, data: string) => ({
  PATH: [bin, dirname(process.execPath), process.env['PATH']].join(delimiter),
  VECTRA_DATA: data,
})

/** Runs bash lines; a failing one does not throw. */
export async function bash(
  script: string,
  options: { readonly cwd: string; readonly env: Record<string, string> },
): Promise<ShellRun> {
  const { exitCode, stdout, stderr } = await execa('bash', ['-c', script], {
    ...options,
    reject: false,
    stdin: 'ignore',
  })
  return { exitCode, stdout, stderr }
}

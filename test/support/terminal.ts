/**
 * A command at a terminal: `script` of util-linux gives it a pseudo-terminal, and this types into it. Every Debian
 * has `script`; where there is none, {@link noTerminal} says so and the tests that need one are skipped.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { onTestFinished } from 'vitest'

/** Why there are no terminals here; undefined where there are. */
export const noTerminal: string | undefined = (() => {
  const { status, stdout } = spawnSync('script', ['--version'], { encoding: 'utf8' })
  return status === 0 && stdout.includes('util-linux')
    ? undefined
    : 'script of util-linux is missing'
})()

export interface Terminal {
  /** Waits until `text` is on the screen, after what was waited for before. */
  sees(text: string): Promise<void>
  /** As a person does who looks first: after {@link sees}. */
  types(keys: string): void
  /** @returns the exit code */
  ends(): Promise<number | null>
}

export const enter = '\r'
export const controlC = '\u0003'

const quoted = (word: string): string => `'${word.replaceAll("'", `'\\''`)}'`

/** Starts `node` with these arguments at a terminal of its own. */
export function atTerminal(args: readonly string[], cwd: string): Terminal {
  const line = [process.execPath, ...args].map(quoted).join(' ')
  const child: ChildProcess = spawn('script', ['-qefc', line, '/dev/null'], {
    cwd,
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { PATH: process.env['PATH'], SHELL: '/bin/sh', TERM: 'xterm' },
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  let text = ''
  let seen = 0
  let look = (): void => {}
  child.stdout?.setEncoding('utf8').on('data', (part: string) => {
    text += part
    look()
  })
  const closed = once(child, 'close')
  return {
    sees: (wanted) =>
      new Promise((resolve, reject) => {
        look = () => {
          const at = text.indexOf(wanted, seen)
          if (at < 0) return
          seen = at + wanted.length
          look = () => {}
          resolve()
        }
        void closed.then(() =>
          reject(new Error(`it ended without ${wanted}:\n${text.slice(seen)}`)),
        )
        look()
      }),
    types: (keys) => void child.stdin?.write(keys),
    ends: async () => {
      const [code] = await closed
      return typeof code === 'number' ? code : null
    },
  }
}

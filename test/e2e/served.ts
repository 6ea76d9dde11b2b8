/** `vectra-cli serve` as a process of its own. */
import { execa } from 'execa'

export interface ServedProcess {
  readonly url: string
  readonly pid: number | undefined
  /** Asks it to end. @returns how it did */
  stop(signal?: 'SIGTERM' | 'SIGKILL'): Promise<{
    readonly exitCode: number | undefined
    readonly stdout: string
    readonly stderr: string
  }>
}

/** Starts it, on a free port unless told; it is there when this resolves. */
export async function startServer(
  env: Record<string, string>,
  args: readonly string[] = [],
  listen = '0',
): Promise<ServedProcess> {
  const command = ['serve', '--listen', listen, '--json', ...args]
  const child = execa('vectra-cli', command, { env, reject: false, stdin: 'ignore' })
  const url = await new Promise<string>((resolve, reject) => {
    let text = ''
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk
      if (text.includes('\n')) resolve(JSON.parse(text.slice(0, text.indexOf('\n'))).url)
    })
    void child.then(({ stderr }) => reject(new Error(`the server ended: ${stderr}`)))
  })
  return {
    url,
    pid: child.pid,
    async stop(signal = 'SIGTERM') {
      child.kill(signal)
      const { exitCode, stdout, stderr } = await child
      return { exitCode, stdout, stderr }
    },
  }
}

#!/usr/bin/env node
/**
 * The command `vectra-cli`, and the only file of it that touches the process: arguments, streams,
 * signals, exit code.
 *
 * The first SIGINT or SIGTERM asks the running command to stop: it undoes or finishes what it began,
 * the data directory is closed, and the exit code is 130 or 143. The second one ends the process at
 * once; what is durable stays so, and the next start recovers as after a crash.
 */
import { systemClock } from '../base/clock.ts'
import { nodeDisk } from '../base/disk.ts'
import { diskError } from '../base/disk-error.ts'
import { exitCodes, OperatingError } from '../base/errors.ts'
import { main } from './command-line.ts'
import type { Output } from './io.ts'

const stops = {
  SIGINT: { code: 'interrupted', exitCode: exitCodes.interrupted },
  SIGTERM: { code: 'terminated', exitCode: exitCodes.terminated },
} as const

async function runProcess(): Promise<void> {
  const stop = new AbortController()
  const stdout = outputOf(process.stdout, 'standard output')
  const stderr = outputOf(process.stderr, 'standard error')
  for (const [signal, { code, exitCode }] of Object.entries(stops)) {
    process.on(signal, () => {
      if (stop.signal.aborted) process.exit(exitCode)
      if (process.stderr.isTTY) void stderr.write('\nstopping; once more to stop at once\n')
      stop.abort(
        new OperatingError(code, `stopped by ${signal}`, 'Run the command again to go on.'),
      )
    })
  }
  const exitCode = await main(process.argv.slice(2), {
    stdout,
    stderr,
    stdin: process.stdin,
    isAttended: process.stdin.isTTY === true && process.stderr.isTTY === true,
    env: process.env,
    clock: systemClock,
    disk: nodeDisk,
    signal: stop.signal,
  })
  process.exit(exitCode) // all output has left; an unread standard input must not keep us
}

function outputOf(stream: NodeJS.WriteStream, name: string): Output {
  let closed = false
  stream.on('error', (error: NodeJS.ErrnoException) => {
    closed ||= error.code === 'EPIPE'
  })
  return {
    get closed() {
      return closed
    },
    isTerminal: stream.isTTY === true,
    get columns() {
      return stream.columns ?? 0
    },
    write: (data) =>
      new Promise((resolve, reject) => {
        if (closed) return resolve()
        stream.write(data, (error?: NodeJS.ErrnoException | null) => {
          if (!error) return resolve()
          if (error.code !== 'EPIPE') return reject(diskError(error, 'write', name))
          closed = true
          resolve()
        })
      }),
  }
}

// the SDK for object storage is pinned to a version that runs on Node 20; its notice would land in logs
process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] ??= 'true'

await runProcess()

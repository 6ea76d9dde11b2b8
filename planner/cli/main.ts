#!/usr/bin/env node
/**
 * The command `vectra-dr`, and the only file of it that touches the process: arguments, streams,
 * signals, exit code.
 *
 * The first SIGINT or SIGTERM stops the steps and lets the clean-up run; the exit code is 130 or 143.
 * The second stops the clean-up too and kills what a step runs. The third ends the process at once.
 */
import { beginAhead } from '../plan/begin-plan.ts'
import type { Io, Output } from './io.ts'

// whoever names a plan is about to read it: it is parsed while everything else is loaded
const plan = process.argv.slice(2).find((word) => /\.ya?ml$/.test(word))
if (plan !== undefined) beginAhead(plan)

const { createInterface } = await import('node:readline/promises')
const { exitCodes, nodeDisk, OperatingError, systemClock, systemTimer } = await import(
  '../../engine/index.ts'
)

const stops = {
  SIGINT: { code: 'interrupted', exitCode: exitCodes.interrupted },
  SIGTERM: { code: 'terminated', exitCode: exitCodes.terminated },
} as const

function outputOf(stream: NodeJS.WriteStream): Output {
  let closed = false
  stream.on('error', (error: NodeJS.ErrnoException) => {
    closed ||= error.code === 'EPIPE'
  })
  return {
    isTerminal: stream.isTTY === true,
    get columns() {
      return stream.columns ?? 0
    },
    get rows() {
      return stream.rows ?? 0
    },
    write: (data) =>
      new Promise((resolve, reject) => {
        if (closed) return resolve()
        stream.write(data, (error?: NodeJS.ErrnoException | null) => {
          // whoever read us has gone; a run goes on to its end all the same
          if (!error || error.code === 'EPIPE') return resolve()
          reject(error)
        })
      }),
  }
}

const stop = new AbortController()
const force = new AbortController()
const stderr = outputOf(process.stderr)
for (const [signal, { code, exitCode }] of Object.entries(stops)) {
  process.on(signal, () => {
    if (force.signal.aborted) process.exit(exitCode)
    const error = new OperatingError(
      code,
      `stopped by ${signal}`,
      'See what the clean-up did, and run the command again.',
    )
    if (stop.signal.aborted) force.abort(error)
    else stop.abort(error)
  })
}

async function ask(question: string, signal = stop.signal): Promise<string | undefined> {
  const line = createInterface({ input: process.stdin, output: process.stderr })
  // a terminal that is read character by character makes no signal of Ctrl-C
  line.on('SIGINT', () => process.kill(process.pid, 'SIGINT'))
  // an input that ends is no answer; readline alone would wait for ever
  const ends = AbortSignal.any([stop.signal, signal])
  const ended = new Promise<undefined>((resolve) => line.once('close', () => resolve(undefined)))
  try {
    return await Promise.race([line.question(question, { signal: ends }), ended])
  } catch (error) {
    throw ends.aborted ? ends.reason : error
  } finally {
    line.close()
  }
}

// the SDK for object storage is pinned to a version that runs on Node 20; its notice would land in logs
process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] ??= 'true'

const io: Io = {
  stdout: outputOf(process.stdout),
  stderr,
  ...(process.stdin.isTTY && process.stderr.isTTY && { ask }),
  onHangUp: (act) => {
    process.on('SIGHUP', act)
    return () => process.off('SIGHUP', act)
  },
  env: process.env,
  clock: systemClock,
  timer: systemTimer,
  disk: nodeDisk,
  stopSignal: stop.signal,
  forceSignal: force.signal,
}
const { main } = await import('./command-line.ts')
process.exit(await main(process.argv.slice(2), io)) // all output has left

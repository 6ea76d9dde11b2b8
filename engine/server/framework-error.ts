/**
 * What is wrong with a request before any route sees it, in the shape of all failures: what the framework
 * refuses, and what the parser of HTTP does, which answers on the bare connection.
 */
import type { Socket } from 'node:net'
import { OperatingError } from '../base/errors.ts'
import { limits } from '../base/limits.ts'
import { toErrorAnswer } from './error-answer.ts'

/** An operating error, with the status that was meant where its code alone would have another. */
export interface ToldError {
  readonly error: unknown
  readonly status?: number
}

const hint = 'See /openapi.json.'

/** As the framework throws them. */
interface FrameworkError extends Error {
  readonly code?: string
  readonly statusCode?: number
}

/** What the framework refuses, as an operating error; all else as it is. */
export function fromFramework(error: unknown): ToldError {
  if (error instanceof OperatingError || !(error instanceof Error)) return { error }
  const { code, statusCode, message } = error as FrameworkError // the fields that are read may be absent
  if (statusCode === undefined || statusCode >= 500 || !code?.startsWith('FST_')) return { error }
  const what = message.slice(0, limits.shownAnswerChars)
  const next = statusCode === 415 ? 'Send application/json.' : hint
  return { error: new OperatingError('usage', what, next), status: statusCode }
}

/** By the code of the parser's error. */
const known: Readonly<Record<string, readonly [status: string, message: string, hint: string]>> = {
  HPE_HEADER_OVERFLOW: [
    '431 Request Header Fields Too Large',
    'the headers of the request are too large',
    `Send at most ${limits.requestHeaderBytes} bytes of them, the address included.`,
  ],
  ERR_HTTP_REQUEST_TIMEOUT: [
    '408 Request Timeout',
    'the request did not arrive in time',
    'Send it faster, or less of it.',
  ],
}

/** Answers what is no request on its connection, and closes it. */
export function refuseConnection(error: Error & { readonly code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy()
    return
  }
  const [status, message, next] = known[error.code ?? ''] ?? [
    '400 Bad Request',
    'this is no request of HTTP/1.1 or 1.0',
    'Check the address, and whether the server speaks TLS.',
  ]
  const body = JSON.stringify(toErrorAnswer(new OperatingError('usage', message, next), 0).body)
  socket.end(
    [
      `HTTP/1.1 ${status}`,
      'content-type: application/json; charset=utf-8',
      `content-length: ${Buffer.byteLength(body)}`,
      'connection: close',
      '',
      body,
    ].join('\r\n'),
  )
}

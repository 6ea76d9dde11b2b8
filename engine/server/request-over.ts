/**
 * When a request is over: its answer is closed, or its connection. Answers to requests that came together on one
 * connection wait for each other, and one that waits hears nothing itself when the connection goes.
 */
import type { Socket } from 'node:net'

/** The answer to a request, as node makes it. */
export interface OpenAnswer {
  readonly req: { readonly socket: Socket }
  once(event: 'close', act: () => void): unknown
}

/** What is to be done when a connection closes. */
const waiting = new WeakMap<Socket, Set<() => void>>()

/** Calls `act` once, when the request of `answer` is over. */
export function whenOver(answer: OpenAnswer, act: () => void): void {
  const { socket } = answer.req
  const acts = waiting.get(socket) ?? watch(socket)
  const once = () => {
    if (acts.delete(once)) act()
  }
  acts.add(once)
  answer.once('close', once)
  if (socket.destroyed) once()
}

/** One listener a connection, however many requests are under way on it. */
function watch(socket: Socket): Set<() => void> {
  const acts = new Set<() => void>()
  waiting.set(socket, acts)
  socket.once('close', () => {
    for (const act of [...acts]) act()
  })
  return acts
}

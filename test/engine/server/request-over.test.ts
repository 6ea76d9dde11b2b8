/** Real sockets: only node itself knows what becomes of answers that wait for each other. */
import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { expect, it, onTestFinished } from 'vitest'
import { whenOver } from '../../../engine/server/request-over.ts'

/** A server that answers when it is told to; requests come in one go on one connection. */
async function world(paths: readonly string[]) {
  const over: string[] = []
  const answers: ServerResponse[] = []
  let arrived = () => {}
  const all = new Promise<void>((resolve) => {
    arrived = resolve
  })
  const server = createServer((request, answer) => {
    whenOver(answer, () => over.push(request.url ?? ''))
    answers.push(answer)
    if (answers.length === paths.length) arrived()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  const { port } = server.address() as AddressInfo // of a server that listens
  const socket = connect(port, '127.0.0.1')
  onTestFinished(() => void socket.destroy())
  socket.write(paths.map((path) => `GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`).join(''))
  await all
  return { over, answers, socket, closed: once(answers[0]?.req.socket ?? socket, 'close') }
}

it('requests are over one by one as they are answered', async () => {
  const { over, answers, socket } = await world(['/a', '/b'])
  answers[1]?.end('b') // it waits for the one before
  expect(over).toEqual([])
  answers[0]?.end('a')
  await once(socket, 'data')
  while (over.length < 2) await new Promise((resolve) => setImmediate(resolve))
  expect(over).toEqual(['/a', '/b'])
})

it('all of them are over when their connection goes, once each', async () => {
  const { over, answers, socket, closed } = await world(['/a', '/b', '/c'])
  answers[1]?.end('b')
  socket.destroy()
  await closed
  expect([...over].sort()).toEqual(['/a', '/b', '/c'])
  const last = answers[2]
  if (last !== undefined) whenOver(last, () => over.push('late'))
  expect(over.at(-1)).toBe('late')
})

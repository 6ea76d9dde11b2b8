import { expect, test } from 'vitest'
import { NodeTransport } from '../../../engine/server/node-transport.ts'

test.each([
  'http://169.254.169.254',
  'http://[fe80::1]:7700',
  'http://2852039166/',
  'http://[::ffff:169.254.169.254]:80',
])('nothing is sent to a node that is said to be at %s', async (url) => {
  const transport = new NodeTransport({ token: 'of eight or more' })
  const sent = transport.send({ name: 'node-2', url }, Buffer.from('x'), { timeoutMs: 1_000 })
  await expect(sent).rejects.toMatchObject({ code: 'address-refused', exitCode: 2 })
})

test('a node that does not answer is unreachable', async () => {
  const node = { name: 'node-2', url: 'http://127.0.0.1:1' }
  const sent = new NodeTransport({}).send(node, Buffer.from('x'), { timeoutMs: 1_000 })
  await expect(sent).rejects.toMatchObject({ code: 'unreachable' })
})

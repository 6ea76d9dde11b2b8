import { PassThrough } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { limits } from '../../../engine/base/limits.ts'
import { parseBody, RequestBodies } from '../../../engine/server/request-body.ts'

const parse = (text: string) => parseBody(Buffer.from(text))
const nested = (depth: number) => `${'['.repeat(depth)}${']'.repeat(depth)}`

describe('what is parsed', () => {
  it('is JSON of UTF-8, and nothing where nothing came', () => {
    expect(parse('')).toBeUndefined()
    expect(parse('{"a":["[[{",":\\"[","\\\\"],"b":{}}')).toEqual({ a: ['[[{', ':"[', '\\'], b: {} })
    expect(() => parse('{"a":')).toThrow('the body is not JSON')
    expect(() => parse('"never ends')).toThrow('the body is not JSON')
    expect(() => parse('"\\')).toThrow('the body is not JSON')
    expect(() => parseBody(Buffer.from([0x22, 0xff, 0x22]))).toThrow('not UTF-8')
  })

  it('case 95: stands no deeper in each other than may be; texts do not count', () => {
    expect(parse(nested(limits.requestDepth))).toBeInstanceOf(Array)
    expect(() => parse(nested(limits.requestDepth + 1))).toThrow('nested deeper than 200')
    expect(() => parse('{"a":'.repeat(1_000_000))).toThrow('nested deeper than 200')
    const text = '['.repeat(10_000)
    expect(parse(JSON.stringify([text, `\\"${text}`]))).toEqual([text, `\\"${text}`])
  })

  it('case 95: has no more objects, lists and texts than may be, each of which costs memory', () => {
    const many = (count: number) => `[${'"",'.repeat(count - 2)}""]`
    expect(parse(many(limits.requestParts))).toHaveLength(limits.requestParts - 1)
    expect(() => parse(many(limits.requestParts + 1))).toThrow('more than 2000000 parts')
  })
})

describe('bodies that are read', () => {
  const started = (bodies: RequestBodies, maxBytes = 100) => {
    const source = new PassThrough()
    let release = () => {}
    const read = bodies.read(source, maxBytes, (given) => {
      release = given
    })
    read.catch(() => {}) // told where it is waited for
    return { source, read, release: () => release() }
  }

  it('are held until their requests are over, together no more than may be', async () => {
    const bodies = new RequestBodies(100)
    const first = started(bodies)
    first.source.end('x'.repeat(80))
    expect(await first.read).toHaveLength(80)
    const second = started(bodies)
    second.source.end('x'.repeat(30))
    await expect(second.read).rejects.toMatchObject({ code: 'unreachable' })
    second.release()
    expect(bodies.heldBytes).toBe(80)
    first.release()
    first.release() // twice is once
    expect(bodies.heldBytes).toBe(0)
    const third = started(bodies)
    third.source.end('x'.repeat(100))
    expect(await third.read).toHaveLength(100)
  })

  it('are refused as soon as they are too large, and when their sender goes', async () => {
    const bodies = new RequestBodies(1_000)
    const large = started(bodies)
    large.source.write('x'.repeat(101)) // more may be on its way
    await expect(large.read).rejects.toMatchObject({ code: 'request-too-large' })
    const cut = started(bodies)
    cut.source.write('x')
    cut.source.destroy()
    await expect(cut.read).rejects.toMatchObject({ code: 'interrupted' })
  })
})

import type { LookupFunction } from 'node:net'
import { describe, expect, test } from 'vitest'
import { OperatingError, systemTimer } from '../../../engine/index.ts'
import { answerBytes, sendRequest, type WebWorld } from '../../../engine/outside/request.ts'
import { readTemplate } from '../../../planner/plan/template.ts'
import { toWebAddress } from '../../../planner/web/web-address.ts'
import { manualClock } from '../../support/manual-clock.ts'
import { manualTimer, settle } from '../../support/manual-timer.ts'
import { text } from '../../support/plan-builder.ts'
import { testCertificate, webServer } from '../../support/web-server.ts'

/** A name service in which every name has these addresses, one list for each time it is asked. */
function nameService(...answers: readonly (readonly string[])[]) {
  let asked = 0
  const lookup: LookupFunction = (_name, _options, callback) => {
    const found = answers[Math.min(asked, answers.length - 1)] ?? []
    asked += 1
    callback(
      null,
      found.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
    )
  }
  return { lookup, asked: () => asked }
}

const worldOf = (changes: Partial<WebWorld> = {}): WebWorld => ({
  timer: systemTimer,
  signal: new AbortController().signal,
  ...changes,
})

/** `written` as in a plan; `${env.X}` stands for the text of `variable`. */
function addressOf(written: string, { variable = '', allowPrivate = false } = {}) {
  const { value: parts = [] } = readTemplate(written)
  const url = written.replaceAll('${env.X}', variable)
  return toWebAddress(text(written, parts), url, allowPrivate)
}

const get = (written: string, options = {}, world: Partial<WebWorld> = {}) =>
  sendRequest({ address: addressOf(written, options), method: 'GET' }, worldOf(world))

const refused = expect.objectContaining({ code: 'address-refused' })

describe('case 93: where a request may go', () => {
  test('case 93: a private address that the plan writes out is gone to, in any spelling', async () => {
    const { port } = await webServer((response) => response.end('here'))
    for (const host of ['127.0.0.1', '0x7f000001', '0177.0.0.1', '2130706433', '127.1']) {
      expect(await get(`http://${host}:${port}/`)).toMatchObject({ status: 200, body: 'here' })
    }
    expect(await get(`http://[::ffff:127.0.0.1]:${port}/`)).toMatchObject({ status: 200 })
  })

  test('case 93: one behind a variable needs allowPrivate, in any spelling', async () => {
    const { port, received } = await webServer((response) => response.end())
    const hosts = ['127.0.0.1', '0x7f000001', '0177.1', '[::ffff:127.0.0.1]', '[::1]', '10.0.0.1']
    for (const host of hosts) {
      const variable = `${host}:${port}`
      for (const written of ['http://${env.X}/', 'http://${env.X}']) {
        await expect(get(written, { variable })).rejects.toEqual(refused)
      }
    }
    expect(received).toEqual([])
    const options = { variable: `127.0.0.1:${port}`, allowPrivate: true }
    expect(await get('http://${env.X}/a', options)).toMatchObject({ status: 200 })
  })

  test('case 93: a host that a variable could change is not written out', async () => {
    const { port } = await webServer((response) => response.end())
    const add = (variable: string) => get('http://127.0.0.1${env.X}', { variable })
    await expect(add(`:${port}/`)).rejects.toEqual(refused)
    await expect(add(`:x@127.0.0.1:${port}`)).rejects.toEqual(refused)
    expect(await get(`http://127.0.0.1:${port}/\${env.X}`, { variable: 'p' })).toMatchObject({
      status: 200,
    })
  })

  test('case 93: link-local and metadata addresses are never gone to', async () => {
    const hosts = ['169.254.169.254', '0xa9fea9fe', '[::ffff:169.254.169.254]', '[fe80::1]']
    for (const host of [...hosts, '[fd00:ec2::254]', '[64:ff9b::a9fe:a9fe]', '100.100.100.200']) {
      await expect(get(`http://${host}/`, { allowPrivate: true })).rejects.toEqual(refused)
      const { lookup } = nameService([host.startsWith('[') ? host.slice(1, -1) : '169.254.169.254'])
      await expect(get('http://a.example/', { allowPrivate: true }, { lookup })).rejects.toEqual(
        refused,
      )
    }
  })

  test('case 93: a name that means a private address needs allowPrivate', async () => {
    const { port, received } = await webServer((response) => response.end())
    const { lookup } = nameService(['127.0.0.1'])
    const url = `http://shop.example:${port}/`
    await expect(get(url, {}, { lookup })).rejects.toEqual(refused)
    await expect(get(`http://localhost:${port}/`)).rejects.toEqual(refused)
    expect(received).toEqual([])
    expect(await get(url, { allowPrivate: true }, { lookup })).toMatchObject({ status: 200 })
    expect(received[0]?.headers.host).toBe(`shop.example:${port}`)
  })

  test('case 93: one private address among public ones is enough to refuse', async () => {
    const { lookup } = nameService(['93.184.216.34', '127.0.0.1'])
    await expect(get('http://a.example/', {}, { lookup })).rejects.toEqual(refused)
  })

  test('case 93: a name that means another address a moment later is asked once', async () => {
    const { port, received } = await webServer((response) => response.end())
    // judged first, then this machine: whoever asked twice would end up at the second
    const names = nameService(['203.0.113.1'], ['127.0.0.1'])
    const stop = new AbortController()
    const asked: LookupFunction = (name, options, callback) => {
      names.lookup(name, options, callback)
      setImmediate(() => stop.abort(new OperatingError('interrupted', 'enough', '')))
    }
    const url = `http://a.example:${port}/`
    await expect(get(url, {}, { lookup: asked, signal: stop.signal })).rejects.toThrow()
    expect(names.asked()).toBe(1)
    expect(received).toEqual([])
    // and the other way round: what is judged is what is connected to
    const back = nameService(['127.0.0.1'], ['203.0.113.1'])
    expect(await get(url, { allowPrivate: true }, { lookup: back.lookup })).toMatchObject({
      status: 200,
    })
    expect(back.asked()).toBe(1)
  })

  test.each(['file:///etc/passwd', 'gopher://127.0.0.1/', 'ftp://a/', 'http://[fe80::1%25eth0]/'])(
    'case 93: %s is no address of the web',
    async (variable) => {
      await expect(get('${env.X}', { variable, allowPrivate: true })).rejects.toMatchObject({
        code: 'usage',
        message: expect.not.stringContaining(variable),
      })
    },
  )

  test('case 93: a redirect is not followed, and nothing is sent on', async () => {
    const inner = await webServer((response) => response.end('secret'))
    const outer = await webServer((response) => {
      response.writeHead(307, { location: `http://127.0.0.1:${inner.port}/` }).end()
    })
    const answer = await sendRequest(
      {
        address: addressOf(`http://127.0.0.1:${outer.port}/`),
        method: 'POST',
        headers: new Map([['authorization', 'Bearer swordfish']]),
        body: 'x',
      },
      worldOf(),
    )
    expect(answer).toMatchObject({ status: 307, isRedirect: true })
    expect(outer.received[0]).toMatchObject({
      body: 'x',
      headers: { authorization: 'Bearer swordfish' },
    })
    expect(inner.received).toEqual([])
  })

  test('case 93: 64 KiB of an answer are read, however long it is', async () => {
    const { port } = await webServer((response) => {
      const send = () => {
        while (!response.destroyed && response.write('x'.repeat(10_000)));
        response.once('drain', send)
      }
      send()
    })
    const answer = await get(`http://127.0.0.1:${port}/`)
    expect(answer).toMatchObject({ isCut: true, bodyBytes: answerBytes })
    expect(answer.body).toHaveLength(answerBytes)
  })

  test('case 93: an answer that drips is given up after ten seconds', async () => {
    let begun = () => {}
    const dripping = new Promise<void>((resolve) => {
      begun = resolve
    })
    const { port } = await webServer((response) => {
      response.write('drip')
      begun()
    })
    const timer = manualTimer(manualClock())
    const answer = get(`http://127.0.0.1:${port}/`, {}, { timer })
    answer.catch(() => {})
    await dripping
    await timer.pass(9_999)
    expect(timer.pending).toBe(1)
    await timer.pass(1)
    await expect(answer).rejects.toMatchObject({
      code: 'unreachable',
      message: expect.stringContaining('within 10 s'),
    })
  })

  test('case 93: a certificate that nobody trusts is refused, also where the environment says no', async () => {
    const { port, received } = await webServer((response) => response.end('safe'), { tls: true })
    const url = `https://127.0.0.1:${port}/`
    const before = process.env['NODE_TLS_REJECT_UNAUTHORIZED']
    process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = '0'
    try {
      await expect(get(url)).rejects.toMatchObject({
        code: 'unreachable',
        message: expect.stringContaining('certificate'),
      })
    } finally {
      if (before === undefined) delete process.env['NODE_TLS_REJECT_UNAUTHORIZED']
      else process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = before
    }
    expect(received).toEqual([])
    expect(await get(url, {}, { ca: testCertificate })).toMatchObject({ body: 'safe' })
    const { lookup } = nameService(['127.0.0.1'])
    const named = (name: string) =>
      get(`https://${name}:${port}/`, { allowPrivate: true }, { ca: testCertificate, lookup })
    expect(await named('shop.example')).toMatchObject({ body: 'safe' })
    await expect(named('other.example')).rejects.toMatchObject({
      message: expect.stringContaining('ERR_TLS_CERT_ALTNAME_INVALID'),
    })
  })
})

test('what a variable holds stands in no error', async () => {
  const { port } = await webServer((response) => response.end())
  const held = ['127.0.0.1:1', `127.0.0.1:${port}`, 'not a host', '169.254.1.1']
  for (const variable of held) {
    for (const allowPrivate of [true, false]) {
      const answer = get('http://${env.X}/', { variable, allowPrivate })
      const error = await answer.then(
        () => undefined,
        (reason: unknown) => reason,
      )
      if (error === undefined) continue
      expect(error).toBeInstanceOf(OperatingError)
      expect(JSON.stringify(error)).not.toContain(variable.split(':')[0])
    }
  }
})

test('a header that would begin another one is refused', async () => {
  const { port, received } = await webServer((response) => response.end())
  const address = addressOf(`http://127.0.0.1:${port}/`)
  const headers = new Map([['x-token', 'a\r\nhost: evil']])
  await expect(sendRequest({ address, method: 'GET', headers }, worldOf())).rejects.toMatchObject({
    code: 'usage',
    message: expect.not.stringContaining('evil'),
  })
  await settle()
  expect(received).toEqual([])
})

test('a wish to stop ends the request with its reason', async () => {
  const stop = new AbortController()
  const { port } = await webServer(() => {
    stop.abort(new OperatingError('interrupted', 'stopped by SIGINT', ''))
  })
  await expect(get(`http://127.0.0.1:${port}/`, {}, { signal: stop.signal })).rejects.toThrow(
    'stopped by SIGINT',
  )
})

import { describe, expect, it } from 'vitest'
import { Admission, checkListen, isLoopback } from '../../../engine/server/admission.ts'

const plain = { tls: false, insecureHttp: false }
const local = { host: '127.0.0.1', port: 7700 }
const wide = { host: '0.0.0.0', port: 7700 }
const token = 'correct horse'

describe('an address to listen on', () => {
  it('is loopback without more', () => {
    expect(() => checkListen(local, plain)).not.toThrow()
    expect(() => checkListen({ host: '::1', port: 1 }, plain)).not.toThrow()
    expect(['127.8.9.1', 'localhost', '0.0.0.0', '::', 'db.internal'].map(isLoopback)).toEqual([
      true,
      true,
      false,
      false,
      false,
    ])
  })

  it('case 95: beyond loopback demands a token, and TLS or a word that it is known to be missing', () => {
    expect(() => checkListen(wide, plain)).toThrow('there is no token')
    expect(() => checkListen(wide, { ...plain, token })).toThrow('there is no TLS')
    expect(() => checkListen(wide, { tls: false, insecureHttp: true })).toThrow('there is no token')
    expect(() => checkListen(wide, { tls: true, insecureHttp: false, token })).not.toThrow()
    expect(() => checkListen(wide, { tls: false, insecureHttp: true, token })).not.toThrow()
    expect(() => checkListen(local, { ...plain, token: 'short' })).toThrow('fewer than 8')
  })
})

describe('a request', () => {
  const guarded = new Admission(local, { ...plain, token })
  const codeOf = (headers: Record<string, string>, open = false) =>
    guarded.refusal({ host: 'localhost:7700', ...headers }, open)?.code

  it('case 95: needs the token, as a bearer or as an api-key', () => {
    expect(codeOf({})).toBe('credential-refused')
    expect(codeOf({ authorization: `Bearer ${token}x` })).toBe('credential-refused')
    expect(codeOf({ 'api-key': 'correct' })).toBe('credential-refused')
    expect(codeOf({ authorization: `Bearer ${token}` })).toBeUndefined()
    expect(codeOf({ 'api-key': token })).toBeUndefined()
    expect(codeOf({}, true)).toBeUndefined()
  })

  it('case 95: comes by a name of this machine, and from no page of another origin', () => {
    const mine = { 'api-key': token }
    expect(codeOf({ ...mine, host: 'rebound.example:7700' })).toBe('address-refused')
    expect(codeOf({ ...mine, host: '' })).toBe('address-refused')
    expect(codeOf({ ...mine, host: '[::1]:7700' })).toBeUndefined()
    expect(codeOf({ ...mine, origin: 'https://evil.example' })).toBe('address-refused')
    expect(codeOf({ ...mine, origin: 'null' }, true)).toBe('address-refused')
    expect(codeOf({ ...mine, origin: 'http://localhost:7700' })).toBeUndefined()
    const outside = new Admission(wide, { tls: true, insecureHttp: false, token })
    expect(outside.refusal({ ...mine, host: 'vectra.example' }, false)).toBeUndefined()
  })
})

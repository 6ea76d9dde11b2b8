import { describe, expect, it } from 'vitest'
import { remoteShell, rsyncRoot } from '../../../engine/destination/rsync-shell.ts'

const place = { host: 'host', user: 'me', path: '/srv/b' }

describe('remoteShell', () => {
  it('never asks, takes no unknown host, and shares one connection', () => {
    const words = remoteShell({ ...place, port: 2222 }, '/tmp/sockets')
    for (const setting of ['BatchMode=yes', 'StrictHostKeyChecking=yes', 'ControlMaster=auto']) {
      expect(words).toContain(`-o ${setting}`)
    }
    expect(words).toContain('-p 2222')
    expect(words).toMatch(/ControlPath=\/tmp\/sockets\/[0-9a-f]{16}(?: |$)/)
  })

  it('keeps connections of other keys, users, hosts and ports apart, and shares those of one', () => {
    const socketOf = (more: object) =>
      /ControlPath=(\S+)/.exec(remoteShell({ ...place, ...more }, '/tmp/s'))?.[1]
    const all = [
      {},
      { user: 'you' },
      { host: 'other' },
      { port: 23 },
      { identity: '/k' },
      { knownHosts: '/k' },
    ].map(socketOf)
    expect(new Set(all).size).toBe(all.length)
    expect(socketOf({ path: '/elsewhere' })).toBe(socketOf({}))
  })

  it.each([undefined, '/tmp/with space', '/tmp/%h', `/tmp/${'x'.repeat(80)}`])(
    'connects each time where a socket cannot stand: %s',
    (sockets) => {
      expect(remoteShell(place, sockets)).toContain('-o ControlMaster=no')
      expect(remoteShell(place, sockets)).not.toContain('ControlPersist')
    },
  )

  it('keeps a path with spaces one word for rsync, and one value for ssh', () => {
    const words = remoteShell({ ...place, identity: '/my keys/one' }, undefined)
    expect(words).toContain(`-o 'IdentityFile="/my keys/one"'`)
    expect(words).toContain('-o IdentitiesOnly=yes')
  })
})

describe('rsyncRoot', () => {
  it('names a directory over there, or here, and nothing that rsync could take for an option', () => {
    expect(rsyncRoot(place)).toBe('me@host:/srv/b/')
    expect(rsyncRoot({ host: '[::1]', path: './b' })).toBe('[::1]:./b/')
    expect(rsyncRoot({ path: '/srv/a:b' })).toBe('/srv/a:b/')
  })
})

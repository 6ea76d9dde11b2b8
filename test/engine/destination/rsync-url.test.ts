import { describe, expect, it } from 'vitest'
import { parseRsyncUrl, toRsyncUrl } from '../../../engine/destination/rsync-url.ts'

describe('parseRsyncUrl', () => {
  it.each([
    ['rsync://host/srv/backups', { host: 'host', path: '/srv/backups' }],
    ['rsync://me@nas.local:2222/a/', { host: 'nas.local', user: 'me', port: 2222, path: '/a' }],
    ['rsync://host/~/backups', { host: 'host', path: './backups' }],
    ['rsync://[fd00::1]/a', { host: '[fd00::1]', path: '/a' }],
    ['rsync:///mnt/nas/b', { path: '/mnt/nas/b' }],
    ['rsync:///~/b', { path: '/~/b' }],
    ['RSYNC://host/with%20space/%C3%BC%23%3F', { host: 'host', path: '/with space/ü#?' }],
    [
      'rsync://h/a?identity=/keys/one&knownHosts=/keys/known%20hosts',
      { host: 'h', path: '/a', identity: '/keys/one', knownHosts: '/keys/known hosts' },
    ],
  ])('reads %s, and what it writes is read again', (text, location) => {
    expect(parseRsyncUrl(text)).toEqual(location)
    expect(parseRsyncUrl(toRsyncUrl(location))).toEqual(location)
  })

  it.each([
    'rsync://-oProxyCommand=x/a',
    'rsync://169.254.169.254/a',
    'rsync://0xa9fea9fe/a',
    'rsync://[fe80::1]/a',
    'rsync://host%20x/a',
    'rsync://host;x/a',
    'rsync://-l@host/a',
    'rsync://a%20b@host/a',
    'rsync://a%40b@host/a',
    'rsync://user:secret@host/a',
    'rsync://host',
    'rsync://host/',
    'rsync://host/~',
    'rsync:///',
    'rsync://host//a',
    'rsync://host/a/../b',
    'rsync://host/a/%2e%2e/b',
    'rsync://host/a%2f..%2fb',
    'rsync://host/a%0ab',
    'rsync://host/a%00',
    'rsync://host/a%zz',
    'rsync://host/a#b',
    'rsync://host:873/module',
    'rsync://user@/a',
    'rsync:///a?identity=/key',
    'rsync://host/a?password=x',
    'rsync://host/a?identity=key',
    'rsync://host/a?identity=/a&identity=/b',
    "rsync://host/a?identity=/it's",
    'rsync://host/a?knownHosts=/%25h',
    'rsync://host:99999/a',
  ])('refuses %s', (text) => {
    expect(() => parseRsyncUrl(text)).toThrow(expect.objectContaining({ code: 'usage' }))
  })

  it('case 94: does not repeat a password', () => {
    try {
      parseRsyncUrl('rsync://user:hunter2@host/a')
    } catch (error) {
      expect(JSON.stringify(error)).toContain('has a password in it')
      expect(JSON.stringify(error)).not.toContain('hunter2')
    }
    expect.assertions(2)
  })
})

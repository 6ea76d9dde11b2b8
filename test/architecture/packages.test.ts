import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import {
  driftFindings,
  holeFindings,
  isPermissive,
  type Lockfile,
  licenseFindings,
  lockfileFindings,
  type Manifest,
  pinFindings,
} from './packages.ts'
import { expectNone, messagesOf, projectRoot, readProjectFile } from './source-files.ts'

// our own files, in npm's documented form
const manifest = JSON.parse(readProjectFile('package.json')) as Manifest
const lockfile = JSON.parse(readProjectFile('package-lock.json')) as Lockfile

function installedLicense(place: string): string | undefined {
  const file = join(projectRoot, place, 'package.json')
  if (!existsSync(file)) return undefined
  const { license } = JSON.parse(readFileSync(file, 'utf8')) as { license?: unknown } // any package's
  return typeof license === 'string' ? license : undefined
}

test('every dependency is pinned to one version, and the lockfile holds it', () => {
  expect(lockfile.lockfileVersion).toBe(3)
  expectNone([...pinFindings(manifest), ...driftFindings(manifest, lockfile)])
})

test('the lockfile names no registry and fixes the bytes of every package', () => {
  expectNone(lockfileFindings(lockfile))
  expect(readProjectFile('package-lock.json')).not.toMatch(
    /"resolved"|registry\.|npmmirror|verdaccio/,
  )
})

test('optional packages of every platform are locked', () => {
  expectNone(holeFindings(lockfile))
})

test('what a user installs is under permissive licences', () => {
  expectNone(licenseFindings(lockfile, installedLicense))
})

test('ranges are found', () => {
  const ranges = {
    a: '^1.0.0',
    b: '1.x',
    c: 'latest',
    d: 'github:e/d',
    e: '1.0.0',
    f: '1.0.0-rc.1',
  }
  expect(pinFindings({ devDependencies: ranges })).toHaveLength(4)
})

test('an address, a missing hash and a stale version are found', () => {
  const integrity = 'sha512-AAAA'
  const planted: Lockfile = {
    lockfileVersion: 3,
    packages: {
      '': {},
      'node_modules/a': { version: '1.0.0', integrity, resolved: 'https://example.com/a.tgz' },
      'node_modules/b': { version: '1.0.0' },
      'node_modules/c': { version: '1.0.0', integrity },
    },
  }
  expect(messagesOf(lockfileFindings(planted))).toEqual([
    'package-lock.json: node_modules/a names where it came from',
    'package-lock.json: node_modules/b has no SHA-512',
  ])
  expect(driftFindings({ dependencies: { c: '1.0.1', d: '1.0.0' } }, planted)).toHaveLength(2)
})

test('a hole in the lockfile is found, at any depth', () => {
  const planted: Lockfile = {
    lockfileVersion: 3,
    packages: {
      'node_modules/a': { optionalDependencies: { 'a-linux': '1.0.0', 'a-darwin': '1.0.0' } },
      'node_modules/a-linux': {},
      'node_modules/b/node_modules/c': { optionalDependencies: { inner: '1.0.0', outer: '1.0.0' } },
      'node_modules/b/node_modules/inner': {},
      'node_modules/outer': {},
    },
  }
  expect(messagesOf(holeFindings(planted))).toEqual([
    'package-lock.json: a-darwin@1.0.0, optional for node_modules/a, is not locked',
  ])
})

test('a licence that is not permissive is found, unless it is a choice or only for development', () => {
  const planted: Lockfile = {
    lockfileVersion: 3,
    packages: {
      'node_modules/a': { license: 'GPL-3.0-only' },
      'node_modules/b': {},
      'node_modules/c': { license: '(GPL-2.0 OR MIT)' },
      'node_modules/d': { license: 'GPL-3.0-only', dev: true },
      'node_modules/e': { license: 'MIT' },
    },
  }
  const installed = (place: string) => (place.endsWith('/e') ? 'AGPL-3.0' : undefined)
  expect(messagesOf(licenseFindings(planted, installed))).toEqual([
    'package-lock.json: node_modules/a is licensed under GPL-3.0-only',
    'package-lock.json: node_modules/b is licensed under nothing',
    'package-lock.json: node_modules/e is licensed under AGPL-3.0',
  ])
  expect(isPermissive('MIT AND GPL-2.0')).toBe(false)
})

/** What the package and its lockfile must be so that an install gives the same everywhere. */
import type { Finding } from './source-files.ts'

export interface Manifest {
  readonly name?: string
  readonly dependencies?: Readonly<Record<string, string>>
  readonly optionalDependencies?: Readonly<Record<string, string>>
  readonly devDependencies?: Readonly<Record<string, string>>
}

export interface LockedPackage {
  readonly version?: string
  readonly resolved?: string
  readonly integrity?: string
  readonly license?: string
  readonly dev?: boolean
  readonly optional?: boolean
  readonly link?: boolean
  readonly dependencies?: Readonly<Record<string, string>>
  readonly optionalDependencies?: Readonly<Record<string, string>>
}

export interface Lockfile {
  readonly lockfileVersion: number
  /** Install path, such as `node_modules/a/node_modules/b`, → package; '' is the project itself. */
  readonly packages: Readonly<Record<string, LockedPackage>>
}

const exactVersion = /^\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?$/
const manifestPath = 'package.json'
const lockPath = 'package-lock.json'

/** Ranges: two installs a week apart would differ. */
export function pinFindings(manifest: Manifest): Finding[] {
  const all = {
    ...manifest.dependencies,
    ...manifest.optionalDependencies,
    ...manifest.devDependencies,
  }
  return Object.entries(all)
    .filter(([, version]) => !exactVersion.test(version))
    .map(([name, version]) => ({
      path: manifestPath,
      message: `${name} is pinned to ${version}, which is not one exact version`,
    }))
}

/** Places a registry's address, or a package whose bytes the lockfile does not fix. */
export function lockfileFindings(lockfile: Lockfile): Finding[] {
  const say = (message: string): Finding => ({ path: lockPath, message })
  return Object.entries(lockfile.packages).flatMap(([place, entry]) => {
    if (place === '') return []
    const findings: Finding[] = []
    if (entry.resolved !== undefined) findings.push(say(`${place} names where it came from`))
    if (!/^sha512-/.test(entry.integrity ?? '')) findings.push(say(`${place} has no SHA-512`))
    if (entry.link === true) findings.push(say(`${place} is a link`))
    return findings
  })
}

/**
 * Optional packages of other platforms that the lockfile lacks. npm leaves them out when the registry
 * it was made with had none, and then `npm ci` fails on those platforms.
 */
export function holeFindings(lockfile: Lockfile): Finding[] {
  const { packages } = lockfile
  return Object.entries(packages).flatMap(([place, entry]) =>
    Object.entries(entry.optionalDependencies ?? {})
      .filter(([name]) => resolveFrom(packages, place, name) === undefined)
      .map(([name, version]) => ({
        path: lockPath,
        message: `${name}@${version}, optional for ${place || 'the project'}, is not locked`,
      })),
  )
}

/** Where node finds `name` from the package at `place`: its own node_modules, then each one above. */
function resolveFrom(
  packages: Lockfile['packages'],
  place: string,
  name: string,
): string | undefined {
  for (let at = place; ; at = at.slice(0, Math.max(0, at.lastIndexOf('/node_modules/')))) {
    const candidate = at === '' ? `node_modules/${name}` : `${at}/node_modules/${name}`
    if (packages[candidate] !== undefined) return candidate
    if (at === '') return undefined
  }
}

/** Direct dependencies whose locked version is another than the manifest's. */
export function driftFindings(manifest: Manifest, lockfile: Lockfile): Finding[] {
  const all = {
    ...manifest.dependencies,
    ...manifest.optionalDependencies,
    ...manifest.devDependencies,
  }
  return Object.entries(all)
    .filter(([name, version]) => lockfile.packages[`node_modules/${name}`]?.version !== version)
    .map(([name, version]) => ({ path: lockPath, message: `does not hold ${name}@${version}` }))
}

/** Licences that ask for nothing but their notice. */
const permissive = new Set([
  '0BSD',
  'Apache-2.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'BlueOak-1.0.0',
  'CC0-1.0',
  'ISC',
  'MIT',
  'Python-2.0',
  'Unlicense',
])

/** Whether an SPDX expression offers a permissive choice. */
export const isPermissive = (expression: string): boolean =>
  expression
    .replace(/[()]/g, ' ')
    .split(/\s+OR\s+/)
    .some((choice) => choice.split(/\s+AND\s+/).every((each) => permissive.has(each.trim())))

/**
 * Packages that reach a user with a licence that is not permissive, or without one.
 * `licenseOf` reads the installed package; one that is not installed is judged by the lockfile.
 */
export function licenseFindings(
  lockfile: Lockfile,
  licenseOf: (place: string) => string | undefined,
): Finding[] {
  return Object.entries(lockfile.packages).flatMap(([place, entry]) => {
    if (place === '' || entry.dev === true) return []
    const license = licenseOf(place) ?? entry.license ?? 'nothing'
    if (isPermissive(license)) return []
    return [{ path: lockPath, message: `${place} is licensed under ${license}` }]
  })
}

/**
 * The config document of a collection, and how it changes together with the manifest that names its hash.
 *
 * `config.json` is the config. A new one is first written beside it, as `config-<16 hex of its
 * SHA-256>.json`; the manifest that names it is the commit; only then does it take the place of
 * `config.json`. Whenever that is cut off, one of the two files is the one that the manifest names.
 */
import * as path from 'node:path'
import { sha256Hex } from '../base/checksum.ts'
import { type Disk, replaceFile } from '../base/disk.ts'
import { fail } from '../base/errors.ts'
import { limits } from '../base/limits.ts'
import { type CollectionConfig, decodeConfig } from '../format/config.ts'

export const configName = 'config.json'

const preparedPattern = /^config-[0-9a-f]{16}\.json$/

/** The name of a config that a manifest is about to name. */
export const preparedConfigName = (sha256: string): string => `config-${sha256.slice(0, 16)}.json`

const hint =
  'Restore the collection from a backup; nothing was changed. Keep this directory for analysis.'

/** Writes the document durably where a manifest may name it. */
export const prepareConfig = (
  disk: Disk,
  directory: string,
  bytes: Buffer,
  sha256: string,
): Promise<void> => replaceFile(disk, path.join(directory, preparedConfigName(sha256)), bytes)

/** The manifest names the document: it takes the place of the one before. */
export async function settleConfig(
  disk: Disk,
  directory: string,
  bytes: Buffer,
  sha256: string,
): Promise<void> {
  await replaceFile(disk, path.join(directory, configName), bytes)
  await disk.unlink(path.join(directory, preparedConfigName(sha256)))
}

/**
 * The config whose document has the hash `sha256`. Changes nothing.
 * @throws `missing-file`, `damaged`, `newer-format`
 */
export async function readConfigFile(
  disk: Disk,
  directory: string,
  sha256: string,
): Promise<{ config: CollectionConfig; configBytes: Buffer }> {
  const prepared = path.join(directory, preparedConfigName(sha256))
  if ((await disk.stat(prepared)) !== undefined) {
    const bytes = await disk.readFile(prepared, limits.manifestBytes)
    if (sha256Hex(bytes) === sha256) {
      return { config: decodeConfig(bytes, prepared), configBytes: bytes }
    }
  }
  const file = path.join(directory, configName)
  if ((await disk.stat(file)) === undefined) {
    fail('missing-file', `${file} is missing`, hint, { place: { file } })
  }
  const configBytes = await disk.readFile(file, limits.manifestBytes)
  const config = decodeConfig(configBytes, file)
  if (sha256Hex(configBytes) !== sha256) {
    fail('damaged', `${file} is not the config that the manifest names`, hint, { place: { file } })
  }
  return { config, configBytes }
}

/** What a change that was cut off left: the config that counts takes its place, others go. */
export async function tidyConfigFiles(
  disk: Disk,
  directory: string,
  bytes: Buffer,
  sha256: string,
): Promise<void> {
  for (const name of await disk.list(directory)) {
    if (!preparedPattern.test(name)) continue
    if (name === preparedConfigName(sha256)) await settleConfig(disk, directory, bytes, sha256)
    else await disk.unlink(path.join(directory, name))
  }
}

/** What one snapshot shares with another and what it has beyond it, told by their manifests alone. */
import { canonicalJson, isJsonObject, type JsonValue } from '../base/canonical-json.ts'
import { pieceSize, type SnapshotManifest } from '../repository/snapshot-manifest.ts'

export interface ObjectSum {
  readonly objects: number
  readonly bytes: number
}

export interface ObjectComparison {
  /** In both. */
  readonly shared: ObjectSum
  /** Only in the later one. */
  readonly added: ObjectSum
  /** Only in the earlier one. */
  readonly left: ObjectSum
}

/** @param from the earlier one; null: everything is added */
export function compareObjects(
  from: SnapshotManifest | null,
  to: SnapshotManifest,
): ObjectComparison {
  const before = from === null ? new Map<string, number>() : sizesOf(from)
  const after = sizesOf(to)
  const sum = (objects: ReadonlyMap<string, number>, counts: (name: string) => boolean) => {
    const sizes = [...objects].filter(([name]) => counts(name)).map(([, sizeBytes]) => sizeBytes)
    return { objects: sizes.length, bytes: sizes.reduce((total, each) => total + each, 0) }
  }
  return {
    shared: sum(after, (name) => before.has(name)),
    added: sum(after, (name) => !before.has(name)),
    left: sum(before, (name) => !after.has(name)),
  }
}

function sizesOf({ files }: SnapshotManifest): Map<string, number> {
  const sizes = new Map<string, number>()
  for (const file of files) {
    for (const [index, { sha256 }] of file.pieces.entries()) {
      sizes.set(sha256, pieceSize(file.sizeBytes, index))
    }
  }
  return sizes
}

/** Every setting that differs, as `index.ef is 200, was 100`. */
export function settingChanges(from: SnapshotManifest, to: SnapshotManifest): string[] {
  const before = leavesOf(from)
  const after = leavesOf(to)
  return [...new Set([...before.keys(), ...after.keys()])]
    .sort()
    .filter((name) => before.get(name) !== after.get(name))
    .map((name) => `${name} is ${after.get(name) ?? 'unset'}, was ${before.get(name) ?? 'unset'}`)
}

/** Identity, config and aliases, one leaf each. */
function leavesOf({ collection, epoch, config, aliases }: SnapshotManifest): Map<string, string> {
  const leaves = new Map<string, string>()
  const walk = (name: string, value: JsonValue): void => {
    if (!isJsonObject(value)) {
      leaves.set(name, typeof value === 'string' ? value : canonicalJson(value))
      return
    }
    for (const [key, inner] of Object.entries(value)) {
      if (inner !== undefined) walk(name === '' ? key : `${name}.${key}`, inner)
    }
  }
  walk('', { ...config, uuid: collection.uuid, epoch: { ...epoch } })
  for (const alias of aliases) leaves.set(`alias ${alias}`, 'set')
  return leaves
}

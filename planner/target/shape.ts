/** What a collection is, apart from its content. Parity means: the same shape. */

export interface Shape {
  readonly dimension: number
  readonly metric: string
  /** Kind and parameters of the index. */
  readonly index: Readonly<Record<string, string | number>>
  /** Further names that mean it. */
  readonly aliases?: readonly string[]
}

/**
 * Every setting that differs, as `metric is l2, not cosine`. Empty when the shapes are the same. Each
 * alias that is wanted must be there; one that was made since is no loss.
 */
export function shapeDifferences(found: Shape, wanted: Shape): string[] {
  const aliases = new Set(wanted.aliases)
  const kept = found.aliases?.filter((alias) => aliases.has(alias)) ?? []
  const left = flatten({ ...found, aliases: kept })
  const right = flatten(wanted)
  const names = [...new Set([...left.keys(), ...right.keys()])].sort()
  return names
    .filter((name) => left.get(name) !== right.get(name))
    .map((name) => `${name} is ${left.get(name) ?? 'unset'}, not ${right.get(name) ?? 'unset'}`)
}

const flatten = (shape: Shape): Map<string, string | number> =>
  new Map<string, string | number>([
    ['dimension', shape.dimension],
    ['metric', shape.metric],
    ...Object.entries(shape.index).map(([name, value]) => [`index.${name}`, value] as const),
    ...(shape.aliases ?? []).map((alias) => [`alias ${alias}`, 'set'] as const),
  ])

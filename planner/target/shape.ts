/** What a collection is, apart from its content. Parity means: the same shape. */

export interface Shape {
  readonly dimension: number
  readonly metric: string
  /** Kind and parameters of the index. */
  readonly index: Readonly<Record<string, string | number>>
}

/** Every setting that differs, as `metric is l2, not cosine`. Empty when the shapes are the same. */
export function shapeDifferences(found: Shape, wanted: Shape): string[] {
  const left = flatten(found)
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
  ])

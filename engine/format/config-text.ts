/**
 * A config as a text that people keep and edit: the seed of a new collection or of a rebuild. JSON of
 * `dimension`, `metric`, `index` and `durability`; what is left out has its default.
 */
import { isJsonObject, type JsonObject } from '../base/canonical-json.ts'
import { fail } from '../base/errors.ts'
import { type CollectionConfig, type ConfigInput, makeConfig } from './config.ts'

/** The config as indented JSON, which {@link parseConfigText} reads back. */
export const toConfigText = ({ dimension, metric, index, durability }: CollectionConfig): string =>
  `${JSON.stringify({ dimension, metric, index, durability }, null, 2)}\n`

/** What each key of the text is in a {@link ConfigInput}. */
const inputNames: Readonly<Record<string, Readonly<Record<string, keyof ConfigInput>>>> = {
  '': { dimension: 'dimension', metric: 'metric' },
  index: {
    kind: 'index',
    m: 'm',
    efConstruction: 'efConstruction',
    ef: 'ef',
    lists: 'lists',
    nprobe: 'nprobe',
  },
  durability: { mode: 'durability', intervalMs: 'intervalMs' },
}

const texts: readonly string[] = ['metric', 'index', 'durability'] satisfies (keyof ConfigInput)[]

/**
 * @param file named in messages
 * @throws `invalid-config` for what is no JSON object, an unknown key, or a value out of bounds
 */
export function parseConfigText(text: string, file: string): CollectionConfig {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    value = undefined
  }
  if (!isJsonObject(value)) return refuse(file, 'is not a JSON object')
  const { index = {}, durability = {}, ...own } = value
  if (!isJsonObject(index)) return refuse(file, 'has an index that is not an object')
  if (!isJsonObject(durability)) return refuse(file, 'has a durability that is not an object')
  if (typeof own['dimension'] !== 'number') return refuse(file, 'has no number for dimension')
  const input = {
    ...read(own, '', file),
    ...read(index, 'index', file),
    ...read(durability, 'durability', file),
  }
  return makeConfig({ ...input, dimension: own['dimension'] })
}

function read(part: JsonObject, place: string, file: string): Partial<ConfigInput> {
  const names = inputNames[place] ?? {}
  const input: Record<string, string | number> = {}
  for (const [key, value] of Object.entries(part)) {
    const name = Object.hasOwn(names, key) ? names[key] : undefined
    const at = place === '' ? key : `${place}.${key}`
    if (name === undefined) return refuse(file, `has ${at}, which no config has`)
    const wanted = texts.includes(name) ? 'text' : 'a number'
    const found = typeof value === 'string' ? 'text' : typeof value === 'number' ? 'a number' : ''
    if (found !== wanted || (typeof value !== 'string' && typeof value !== 'number')) {
      return refuse(file, `has ${at} that is not ${wanted}`)
    }
    input[name] = value
  }
  return input
}

const refuse = (file: string, problem: string): never =>
  fail(
    'invalid-config',
    `${file} ${problem}`,
    'Write what "collections config export" writes: dimension, metric, index, durability.',
    { place: { file } },
  )

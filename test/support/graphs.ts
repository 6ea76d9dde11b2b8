/**
 * Graph files for tests: sound ones made of random links, and ways to break them that survive a
 * checksum, as an attacker would.
 */
import {
  type Graph,
  type GraphSettings,
  graphViews,
  level0Words,
  newGraph,
  sealGraph,
  upperWords,
} from '../../engine/format/graph-file.ts'
import type { SeededRandom } from './seeded-random.ts'

export const smallGraphSettings: GraphSettings = {
  segment: 7,
  count: 23,
  dimension: 3,
  metric: 'l2',
  m: 2,
  efConstruction: 20,
}

/** A sound graph whose links lead anywhere that is allowed. */
export function randomGraph(random: SeededRandom, settings = smallGraphSettings): Graph {
  const { count, m } = settings
  const levels = Uint8Array.from({ length: count }, () => {
    let level = 0
    while (level < 4 && random.chance(0.35)) level++
    return level
  })
  const maxLevel = Math.max(...levels)
  const top = { maxLevel, entryPoint: levels.indexOf(maxLevel), levelMultiplier: 1 / Math.log(m) }
  const graph = newGraph(settings, top, levels)
  const onLevel = (level: number) =>
    [...levels.keys()].filter((element) => (levels[element] ?? 0) >= level)
  for (let element = 0; element < count; element++) {
    fillBlock(random, graph.level0, element * level0Words(m), level0Words(m), onLevel(0))
  }
  let start = 0
  for (const level of levels) {
    for (let each = 1; each <= level; each++, start += upperWords(m)) {
      fillBlock(random, graph.upper, start, upperWords(m), onLevel(each))
    }
  }
  sealGraph(graph)
  return graph
}

function fillBlock(
  random: SeededRandom,
  links: Uint32Array,
  start: number,
  words: number,
  targets: readonly number[],
): void {
  links[start] = random.integer(words)
  for (let slot = start + 1; slot < start + words; slot++) links[slot] = random.pick(targets)
}

/** The same file in memory of its own, with views to change it by; seal it again afterwards. */
export const copyGraph = (graph: Graph): Graph =>
  graphViews(Uint8Array.from(graph.bytes), graph.settings, graph.top)

const interesting = (random: SeededRandom, count: number): number =>
  random.chance(0.6)
    ? random.integer(count)
    : random.pick([0, count - 1, count, count + 1, 2 ** 31, 2 ** 32 - 1])

/**
 * A copy with one thing changed and all checksums recomputed: a link, a link count, a level, a field
 * of the header, or the length.
 */
export function forgeGraph(random: SeededRandom, sound: Graph): Uint8Array {
  const { settings, top } = sound
  const { count, m } = settings
  const graph = copyGraph(sound)
  switch (random.integer(11)) {
    case 0:
      graph.level0[random.integer(graph.level0.length)] = interesting(random, count)
      return sealGraph(graph)
    case 1:
      graph.level0[random.integer(count) * level0Words(m)] = random.integer(4 * m)
      return sealGraph(graph)
    case 2:
      if (graph.upper.length > 0) {
        graph.upper[random.integer(graph.upper.length)] = interesting(random, count)
      }
      return sealGraph(graph)
    case 3:
      graph.levels[random.integer(count)] = random.pick([0, 1, 2, 3, 63, 64, 255])
      return sealGraph(graph)
    case 4:
      return sealGraph({ ...graph, top: { ...top, entryPoint: interesting(random, count) } })
    case 5:
      return sealGraph({ ...graph, top: { ...top, maxLevel: random.integer(top.maxLevel + 3) } })
    case 6:
      return sealGraph({ ...graph, settings: forgeSettings(random, settings) })
    case 7:
    case 8:
      return sealGraph(rewire(random, graph))
    case 9: {
      const highest = [...graph.levels.keys()].filter((each) => graph.levels[each] === top.maxLevel)
      return sealGraph({ ...graph, top: { ...top, entryPoint: random.pick(highest) } })
    }
    default: {
      const longer = random.chance(0.5)
      const change = random.pick([1, 3, 4, 8, upperWords(m) * 4, level0Words(m) * 4])
      const bytes = new Uint8Array(graph.bytes.length + (longer ? change : -change))
      bytes.set(graph.bytes.subarray(0, bytes.length))
      return sealGraph({ ...graph, bytes })
    }
  }
}

/** Points many links at any element, whatever its level, and fills many link lists to the brim. */
function rewire(random: SeededRandom, graph: Graph): Graph {
  const { count, m } = graph.settings
  const changeUpper = random.chance(0.3)
  for (let change = 0; change < count; change++) {
    const block = random.integer(count) * level0Words(m)
    graph.level0[block] = random.pick([0, 2 * m])
    graph.level0[block + 1 + random.integer(2 * m)] = random.integer(count)
    if (!changeUpper || graph.upper.length === 0) continue
    const upperBlock = random.integer(graph.upper.length / upperWords(m)) * upperWords(m)
    graph.upper[upperBlock] = random.integer(2)
  }
  return graph
}

function forgeSettings(random: SeededRandom, settings: GraphSettings): GraphSettings {
  const by = random.pick([-1, 1, 2])
  switch (random.integer(5)) {
    case 0:
      return { ...settings, count: settings.count + by }
    case 1:
      return { ...settings, dimension: settings.dimension + by }
    case 2:
      return { ...settings, m: settings.m + by }
    case 3:
      return { ...settings, segment: settings.segment + by }
    default:
      return { ...settings, efConstruction: settings.efConstruction + by }
  }
}

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { LinkChooser } from '../../../engine/ann/choose-links.ts'

/** The heuristic as the paper has it, over places on a line; the element is at 0. */
function reference(places: readonly number[], room: number): number[] {
  const sorted = places.map((_, i) => i).sort((a, b) => at(places, a) - at(places, b) || a - b)
  const taken: number[] = []
  const dropped: number[] = []
  for (const each of sorted.slice(0, 4 * room)) {
    const isDiverse = taken.every(
      (other) => Math.abs(at(places, each) - at(places, other)) >= Math.abs(at(places, each)),
    )
    if (isDiverse && taken.length < room) taken.push(each)
    else dropped.push(each)
  }
  return [...taken, ...dropped].slice(0, room)
}

const at = (values: readonly number[], index: number): number => {
  const value = values[index]
  if (value === undefined) throw new RangeError(`no place ${index}`)
  return value
}

test('takes what the heuristic takes, then the nearest of the others', () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 1, max: 60 }), { maxLength: 60 }),
      fc.integer({ min: 1, max: 8 }),
      (places, room) => {
        const element = places.length
        const place = (which: number) => (which === element ? 0 : at(places, which))
        const chooser = new LinkChooser((a, b) => Math.abs(place(a) - place(b)), room)
        const candidates = Uint32Array.from(places.keys())
        const target = new Uint32Array(room + 2)
        const count = chooser.choose(element, candidates, places.length, target, 1)
        expect([...target.subarray(1, 1 + count)]).toEqual(reference(places, room))
        expect([target[0], ...target.subarray(1 + count)]).toEqual(
          new Array(room + 2 - count).fill(0),
        )
      },
    ),
    { verbose: 1 },
  )
})

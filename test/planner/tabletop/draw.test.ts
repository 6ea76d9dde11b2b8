import { expect, test } from 'vitest'
import { draw, slotOf, trialKey } from '../../../planner/tabletop/draw.ts'

const count = 20_000

test('numbers are uniform: mean 1/2, variance 1/12, and pairs do not hang together', () => {
  const [a, b] = [slotOf('a'), slotOf('b')]
  let sum = 0
  let squares = 0
  let products = 0
  let neighbours = 0
  for (let trial = 0; trial < count; trial++) {
    const key = trialKey(7, trial)
    const [x, y] = [draw(key, a) - 0.5, draw(key, b) - 0.5]
    sum += x
    squares += x * x
    products += x * y
    neighbours += x * (draw(key, a, 1) - 0.5)
  }
  // six deviations each
  expect(Math.abs(sum / count)).toBeLessThan(6 * Math.sqrt(1 / 12 / count))
  expect(squares / count).toBeCloseTo(1 / 12, 2)
  expect(Math.abs(products / count)).toBeLessThan(6 / 12 / Math.sqrt(count))
  expect(Math.abs(neighbours / count)).toBeLessThan(6 / 12 / Math.sqrt(count))
})

test('every tenth holds a tenth of them (chi squared, 9 degrees of freedom, 1 in 10,000)', () => {
  const tenths = new Array<number>(10).fill(0)
  for (let trial = 0; trial < count; trial++) {
    const tenth = Math.floor(draw(trialKey(1, trial), slotOf('step restore')) * 10)
    tenths[tenth] = (tenths[tenth] ?? 0) + 1
  }
  const chi = tenths.reduce((sum, each) => sum + (each - count / 10) ** 2 / (count / 10), 0)
  expect(chi).toBeLessThan(33.7)
})

test('the same seed, trial and purpose give the same number, others give others', () => {
  const slot = slotOf('x')
  expect(draw(trialKey(3, 5), slot)).toBe(draw(trialKey(3, 5), slot))
  const all = [
    ...[draw(trialKey(3, 5), slot), draw(trialKey(4, 5), slot), draw(trialKey(3, 6), slot)],
    ...[draw(trialKey(3, 5), slotOf('y')), draw(trialKey(3, 5), slot, 1)],
  ]
  expect(new Set(all).size).toBe(5)
})

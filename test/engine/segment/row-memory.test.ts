import { expect, test } from 'vitest'
import { RowMemory } from '../../../engine/segment/row-memory.ts'

test('rows stay where they are shown and as they are while their memory grows', () => {
  const memory = new RowMemory(3, 64)
  const shown = [memory.rows]
  memory.rows.fill(7, 0, 64 * 3)
  for (const capacity of [128, 256, 512, 1_024, 100_000]) {
    memory.grow(capacity)
    expect(memory.rows.length).toBe(3 * capacity)
    expect(memory.rows.slice(0, 64 * 3)).toEqual(new Float32Array(64 * 3).fill(7))
    shown.push(memory.rows)
  }
  for (const view of shown) expect(view.slice(0, 64 * 3)).toEqual(new Float32Array(64 * 3).fill(7))
  // from 512 on it is one memory
  memory.rows[0] = 8
  expect(shown.map(([first]) => first)).toEqual([7, 7, 7, 8, 8, 8])
})

test('few rows take no addresses of their own; more than such a memory holds go on in a plain one', () => {
  const memory = new RowMemory(4_096, 64)
  expect(memory.scanned).toBeUndefined()
  memory.grow(512)
  expect(memory.scanned?.memory.buffer).toBe(memory.rows.buffer)
  memory.rows[5] = 7
  memory.grow(2 ** 32 / (4 * 4_096)) // and a head, which is too much
  expect(memory.scanned).toBeUndefined()
  expect([memory.rows.length, memory.rows[5]]).toEqual([2 ** 30, 7])
})

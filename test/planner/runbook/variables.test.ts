import { expect, test } from 'vitest'
import { StandIns } from '../../../planner/runbook/variables.ts'

const text = [
  'a: { url: "${env.SERVER}" }',
  'b: { path: "${env.HOME}/data", key: "${env.KEY}" }',
  'c: { url: "${env.DEPOT}" }',
].join('\n')

test('each variable has a value of its own, of the shape that its key tells', () => {
  expect(new StandIns(text).environment()).toEqual({
    SERVER: 'https://env-0-env.invalid',
    HOME: '/env-1-env',
    KEY: 'env-2-env',
    DEPOT: 'https://env-3-env.invalid',
  })
})

test('what is set needs none, and is never tried otherwise', () => {
  const standIns = new StandIns(text, { SERVER: 'https://shop.example', KEY: '' })
  expect(standIns.names).toEqual(['HOME', 'KEY', 'DEPOT'])
  expect(standIns.environment()).toMatchObject({ SERVER: 'https://shop.example', KEY: 'env-1-env' })
  expect(standIns.refuse([1])).toBe(false)
})

test('what does not fit is tried in another shape, and there is an end to it', () => {
  const standIns = new StandIns(text)
  expect(standIns.refuse([3])).toBe(true)
  expect(standIns.environment()).toMatchObject({
    DEPOT: '/env-3-env',
    SERVER: 'https://env-0-env.invalid',
  })
  expect(standIns.refuse([3])).toBe(true)
  expect(standIns.environment()).toMatchObject({ DEPOT: 's3://env-3-env' })
  expect([standIns.refuse([3]), standIns.refuse([3])]).toEqual([true, false])
  expect(standIns.refuse([9])).toBe(false)
})

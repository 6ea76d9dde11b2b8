import { expect, test } from 'vitest'
import { clearSecrets } from '../../../planner/check/secret-text.ts'
import { instead, planOf, soundPlan } from '../../support/sound-plan.ts'

const found = async (step: string) => {
  const change = instead(['      - manual:', `      - ${step}\n      - manual:`])
  return clearSecrets(await planOf(change(soundPlan)))
}

// made up here, in pieces, so that nobody's scanner takes them for real ones
const slack = ['https://hooks.slack.com', 'services', 'T0', 'B0', 'abc'].join('/')
const key = `AKIA${'A'.repeat(16)}`

test.each([
  ['exec: { command: [curl, --token, abcdef] }', 'word 3 of step exec'],
  ['exec: { command: [curl, --api-key=abcdef] }', 'word 2 of step exec'],
  ['exec: { command: [a], env: { DB_PASSWORD: abcdef } }', 'variable DB_PASSWORD'],
  [`exec: { command: [a, ${key}] }`, 'word 2 of step exec'],
  [`http: { method: POST, url: "${slack}" }`, 'address of step http'],
  ['http: { method: GET, url: "https://example.com/?token=abcdefgh" }', 'address of step http'],
])('%s gives a secret away', async (step, where) => {
  const secrets = await found(step)
  expect(secrets).toHaveLength(1)
  expect(secrets[0]?.where).toContain(where)
  // the value itself is never told
  expect(JSON.stringify(secrets)).not.toMatch(/abcdef|AKIA|services/)
})

test.each([
  'exec: { command: [curl, --token, "${env.T}"] }',
  'exec: { command: [curl, --token-file, ./token] }',
  'exec: { command: [a], env: { DB_PASSWORD: "${env.P}", KEYBOARD: us } }',
  'http: { method: GET, url: "https://example.com/?token=${env.T}" }',
])('%s gives nothing away', async (step) => {
  expect(await found(step)).toEqual([])
})

import { execa } from 'execa'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Secret } from '../../../planner/plan/secret.ts'
import { shellLineOf, spoken, variablesOf } from '../../../planner/runbook/shell-text.ts'
import { planOf, soundPlan } from '../../support/sound-plan.ts'

const plan = await planOf(soundPlan)

/** What a shell makes of the lines, each as its words. */
async function readByShell(lines: readonly string[], env: Record<string, string> = {}) {
  const script = lines.map((line) => `printf '%s\\0' ${line}; printf '\\1'`).join('\n')
  const { stdout } = await execa('bash', ['-c', script], { env: { LC_ALL: 'C.UTF-8', ...env } })
  return stdout
    .split('\u0001')
    .slice(0, -1)
    .map((words) => words.split('\0').slice(0, -1))
}

test('a shell reads every word as it was, whatever is in it', async () => {
  const word = fc
    .string({
      unit: fc.oneof(
        fc.constantFrom(...`'"\\$\`!*?~#&;|<> \n\t`),
        fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }),
      ),
    })
    // no argument can hold the first, and the second ends a word list here; placeholders come below
    .filter(
      (text) => !['\0', '\u0001', '${'].some((each) => text.includes(each)) && text.isWellFormed(),
    )
  const lists = fc.sample(fc.array(word, { minLength: 1, maxLength: 5 }), { numRuns: 300, seed: 7 })
  const lines = lists.map((words) => shellLineOf(words, plan))
  expect(await readByShell(lines)).toEqual(lists)
  for (const line of lines) expect(line).not.toMatch(/\p{Cc}|\p{Bidi_Control}/u)
})

test('what a plan fills in is a variable of the shell', async () => {
  const words = [
    ...[
      'words_${run}',
      'it\'s ${ask.lastGoodAt} "now"',
      '${steps.take-it.snapshot}',
      '$${literal}',
    ],
    '${target.standby.region}',
  ]
  expect(variablesOf(words, plan)).toEqual([
    { name: 'RUN', meaning: 'run' },
    { name: 'LAST_GOOD_AT', meaning: 'ask.lastGoodAt' },
    { name: 'TAKE_IT_SNAPSHOT', meaning: 'steps.take-it.snapshot' },
  ])
  const env = { RUN: 'a b', LAST_GOOD_AT: '$(false)', TAKE_IT_SNAPSHOT: '*' }
  expect(await readByShell([shellLineOf(words, plan)], env)).toEqual([
    ['words_a b', 'it\'s $(false) "now"', '*', '${literal}', 'eu-west'],
  ])
  expect(spoken('as of ${ask.lastGoodAt}', plan)).toBe('as of $LAST_GOOD_AT')
})

test('a variable of the environment keeps its name, also inside an address that was put together', () => {
  const secrets = [
    new Secret('STORE_URL', 'https://env-0-env.invalid'),
    new Secret('apiKey2', 'env-1-env'),
  ]
  const known = { ...plan, secrets }
  const word = 's3://b/p?endpoint=https://env-0-env.invalid&key=env-1-env'
  expect(shellLineOf([word], known)).toBe(`'s3://b/p?endpoint='"\${STORE_URL}"'&key='"\${apiKey2}"`)
  const encoded = `s3://b?endpoint=${encodeURIComponent('https://env-0-env.invalid')}`
  expect(variablesOf([encoded], known).map(({ name }) => name)).toEqual(['STORE_URL'])
})

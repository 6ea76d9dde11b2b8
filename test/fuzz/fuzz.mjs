// More mutated plans than a build has time for: npm run fuzz -- 20000 [SEED]
//
// Each goes through the command line: validate, and check, explain and runbook where it is valid. What was counted is
// printed at the end, with the seed that repeats it.
import { spawnSync } from 'node:child_process'

const [plans = '20000', seed] = process.argv.slice(2)
for (const [what, text] of [
  ['plans', plans],
  ['seed', seed ?? '0'],
]) {
  if (!/^\d{1,9}$/.test(text)) throw new RangeError(`give a whole number of ${what}, not ${text}`)
}
const { status } = spawnSync(
  'npx',
  ['vitest', 'run', '--project', 'unit', '--testTimeout', '0', 'test/fuzz/plan.test.ts'],
  {
    stdio: 'inherit',
    env: { ...process.env, FUZZ_PLANS: plans, ...(seed !== undefined && { FUZZ_SEED: seed }) },
  },
)
process.exit(status ?? 1)

// More kills than a build has time for: npm run kills -- 10000
//
// Nine in ten of them hit a writer, the rest a backup or a restore; both files say what they counted.
import { spawnSync } from 'node:child_process'

const kills = Number(process.argv[2] ?? 10_000)
if (!Number.isInteger(kills) || kills < 20)
  throw new RangeError('give the number of kills, at least 20')
const run = (file, count) =>
  spawnSync('npx', ['vitest', 'run', '--project', 'system', '--testTimeout', '0', file], {
    stdio: 'inherit',
    env: { ...process.env, VECTRA_KILLS: String(count) },
  }).status ?? 1

const writer = run('test/crash/kill-writer.test.ts', Math.ceil(0.9 * kills))
const commands = run('test/crash/kill-commands.test.ts', Math.ceil(0.05 * kills))
process.exit(writer || commands)

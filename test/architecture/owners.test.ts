import { expect, test } from 'vitest'
import { ownerFindings, strangerFindings } from './owners.ts'
import { expectNone, messagesOf, readProduct, readProjectFile } from './source-files.ts'

interface PackageManifest {
  readonly dependencies: Record<string, string>
  readonly optionalDependencies: Record<string, string>
}

test('every foreign thing is used by its owner only', () => {
  expectNone(ownerFindings(readProduct()))
})

test('every package that the product imports is a dependency and has an owner', () => {
  const manifest = JSON.parse(readProjectFile('package.json')) as PackageManifest // our own file
  const names = Object.keys({ ...manifest.dependencies, ...manifest.optionalDependencies })
  expectNone(strangerFindings(readProduct(), names))
})

test.each([
  ['engine/wal/a.ts', `import { open } from 'node:fs/promises'`, 'node:fs'],
  ['engine/wal/a.ts', `import type { Stats } from 'fs'`, 'node:fs'],
  ['engine/wal/a.ts', `const fs = await import('node:fs')`, 'node:fs'],
  ['engine/wal/a.ts', `import { Worker } from 'node:worker_threads'`, 'worker threads'],
  ['planner/step/exec.ts', `import { spawn } from 'node:child_process'`, 'child processes'],
  ['engine/collection/a.ts', `import hnsw from 'hnswlib-node'`, 'hnswlib-node'],
  ['planner/step/a.ts', `import { Listr } from 'listr2'`, 'listr2'],
  ['planner/cli/a.ts', `import { parse } from 'yaml'`, 'yaml'],
  ['planner/cli/a.ts', `import Ajv from 'ajv/dist/2020.js'`, 'ajv'],
  ['planner/cli/a.ts', `import { Cron } from 'croner'`, 'croner'],
  ['planner/run/a.ts', `import { Command } from 'commander'`, 'commander'],
  ['planner/step/check.ts', `import { execa } from 'execa'`, 'execa'],
  ['engine/cli/a.ts', 'process.exit(1)', 'the process'],
  ['engine/cli/a.ts', 'process\n  .stdout.write("x")', 'the process'],
  ['engine/cli/a.ts', 'const home = process.env', 'the environment and the end'],
  ['engine/cli/a.ts', `process.once('exit', f)`, 'the environment and the end'],
  ['engine/cli/a.ts', `import process from 'node:process'`, 'node:process'],
  ['engine/cli/a.ts', 'console.log(1)', 'the console'],
  ['engine/cli/main.ts', 'const at = Date.now()', 'the clock'],
  ['engine/wal/a.ts', 'const at = new Date()', 'the clock'],
  ['engine/wal/a.ts', 'const at = new Date', 'the clock'],
  ['engine/wal/a.ts', 'const at = `${new Date()}`', 'the clock'],
  ['engine/wal/a.ts', 'const at = performance.now()', 'the clock'],
  ['engine/wal/a.ts', 'const dice = Math.random()', 'Math.random'],
  ['engine/wal/a.ts', 'const f = new Function("1")', 'eval'],
])('%s with %j is found', (path, text, what) => {
  const messages = messagesOf(ownerFindings([{ path, text }]))
  expect(messages).toEqual([expect.stringContaining(`${path}: uses ${what} (`)])
})

test.each([
  ['engine/base/disk.ts', `import * as fs from 'node:fs/promises'`],
  ['engine/base/clock.ts', 'const at = Date.now() + performance.now()'],
  ['engine/cli/main.ts', 'process.exit(await main(process.argv))'],
  ['engine/wal/a.ts', 'const at = new Date(atMs).toISOString()'],
  ['engine/wal/a.ts', 'const mine = process.pid // not process.exit()'],
  ['engine/wal/a.ts', `const hint = 'do not call Date.now() or console.log()'`],
  ['engine/wal/a.ts', 'const pattern = /[/"]console.log`/; const other = `Date.now() ${pattern}`'],
  ['engine/outside/run-program.ts', `import { execa } from 'execa'`],
])('%s with %j is fine', (path, text) => {
  expectNone(ownerFindings([{ path, text }]))
})

test('a package without an owner and one that is not a dependency are found', () => {
  const text = `import a from 'left-pad'\nimport b from '@scope/kept/deep.js'\nimport c from 'yaml'`
  const findings = strangerFindings([{ path: 'planner/plan/a.ts', text }], ['@scope/kept', 'yaml'])
  expect(messagesOf(findings)).toEqual([
    'planner/plan/a.ts: imports left-pad, which is not a dependency',
    'planner/plan/a.ts: imports @scope/kept, which has no owner',
  ])
})

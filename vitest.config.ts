/**
 * Four projects: `architecture` and `unit` need nothing but the sources, `e2e` runs the built commands,
 * `system` kills processes and needs minutes. Where VITEST_JSON_DIR names a directory,
 * each run leaves its results there as JSON; `.ci/run` counts them.
 */
import { join } from 'node:path'
import { defineConfig } from 'vitest/config'
import { LongestFirst } from './test/support/longest-first.ts'

const loader = new URL('./test/support/typescript-loader.mjs', import.meta.url).href
const jsonDirectory = process.env['VITEST_JSON_DIR']

/** Prints how much was tried, at the end. */
const counts = './test/support/counts.ts'

const project = (
  name: string,
  include: string[],
  testTimeout: number,
  globalSetup: string[] = [],
) => ({
  extends: true as const,
  test: { name, include, testTimeout, globalSetup: [counts, ...globalSetup] },
})

const freshDist = ['./test/support/fresh-dist.ts']

export default defineConfig({
  test: {
    pool: 'forks',
    // a process runs many files: starting one and loading the sources takes longer than most tests
    isolate: false,
    env: { AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true' },
    maxWorkers: 2,
    sequence: { sequencer: LongestFirst },
    execArgv: ['--import', loader],
    hookTimeout: 120_000,
    reporters:
      jsonDirectory === undefined
        ? ['default']
        : ['default', ['json', { outputFile: join(jsonDirectory, `${process.pid}.json`) }]],
    projects: [
      project('architecture', ['test/architecture/**/*.test.ts'], 60_000),
      project(
        'unit',
        [
          'test/engine/**/*.test.ts',
          'test/planner/**/*.test.ts',
          'test/conformance/**/*.test.ts',
          'test/fuzz/**/*.test.ts',
          'test/support/**/*.test.ts',
        ],
        60_000,
      ),
      project('e2e', ['test/e2e/**/*.test.ts'], 90_000, freshDist),
      project(
        'system',
        ['test/crash/**/*.test.ts', 'test/system/**/*.test.ts'],
        120_000,
        freshDist,
      ),
    ],
  },
})

import { defineConfig } from 'vitest/config'

const loader = new URL('./test/support/typescript-loader.mjs', import.meta.url).href

export default defineConfig({
  test: {
    pool: 'forks',
    maxWorkers: 2,
    execArgv: ['--import', loader],
    testTimeout: 60_000,
    hookTimeout: 120_000,
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: [
            'test/*.test.ts',
            'test/engine/**/*.test.ts',
            'test/planner/**/*.test.ts',
            'test/conformance/**/*.test.ts',
            'test/fuzz/**/*.test.ts',
          ],
        },
      },
      {
        extends: true,
        test: { name: 'e2e', include: ['test/e2e/**/*.test.ts'], testTimeout: 300_000 },
      },
      {
        extends: true,
        test: {
          name: 'system',
          include: ['test/crash/**/*.test.ts', 'test/system/**/*.test.ts'],
          testTimeout: 600_000,
        },
      },
    ],
  },
})

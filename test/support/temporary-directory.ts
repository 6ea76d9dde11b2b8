/** Directories for one test or one suite, removed afterwards. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, onTestFinished } from 'vitest'

const make = (): Promise<string> => mkdtemp(join(tmpdir(), 'vectra-dr-test-'))

const remove = (directory: string): Promise<void> =>
  rm(directory, { recursive: true, force: true, maxRetries: 3 })

/** A fresh directory for the running test. Call it inside a test. */
export async function temporaryDirectory(): Promise<string> {
  const directory = await make()
  onTestFinished(() => remove(directory))
  return directory
}

/** A directory for all tests of a file or `describe`. Call it there; read `path` inside tests and hooks. */
export function suiteDirectory(): { readonly path: string } {
  let directory: string | undefined
  beforeAll(async () => {
    directory = await make()
  })
  afterAll(async () => {
    if (directory !== undefined) await remove(directory)
  })
  return {
    get path() {
      if (directory === undefined)
        throw new Error('read suiteDirectory().path inside a test or hook')
      return directory
    },
  }
}

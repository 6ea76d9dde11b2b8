/** Global set-up of the projects that run the built commands: dist/ is never older than the sources. */
import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

export function setup(): void {
  const script = fileURLToPath(new URL('../../.ci/build.mjs', import.meta.url))
  execFileSync(process.execPath, [script, '--if-stale'], {
    stdio: ['ignore', 'inherit', 'inherit'],
  })
}

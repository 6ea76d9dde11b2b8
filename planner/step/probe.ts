/** `probe`: asks an address until it answers as expected. */

import { estimateFrom } from './estimate.ts'
import { notRunYet } from './not-offered.ts'
import { showDuration } from './quantity.ts'
import type { StepFaces } from './step.ts'

export const probe: StepFaces<'probe'> = {
  kind: 'probe',
  run: notRunYet('probe'),
  describe: ({ url, expect, withinMs }) => ({
    sentence: `Probe ${url.text} for ${showDuration(withinMs)} until it answers ${expect.status ?? 'well'}`,
    commands: [
      ['curl', '--silent', '--show-error', '--output', '/dev/null']
        .concat(['--write-out', '%{http_code}'])
        .concat(url.text),
    ],
  }),
  estimate: ({ withinMs }, id, history) =>
    estimateFrom(history, { id, kind: 'probe' }, Math.min(withinMs, 5_000)),
  touches: ({ url }) => [{ access: 'reads', what: 'address', name: url.text }],
  needs: () => [],
}

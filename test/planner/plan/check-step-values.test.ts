import { describe } from 'vitest'
import { itTells, type Mistake } from '../../support/reference-mistakes.ts'

const mistakes: Mistake[] = [
  [
    'a copy onto itself',
    'copy: { from: local, to: offsite',
    'copy: { from: local, to: local',
    [
      'local schedules.nightly.steps[1].parallel[1].copy.to: from and to are both "local" (Name two places.)',
    ],
  ],
  [
    'a target that follows itself',
    'replicate: { from: standby, to: primary',
    'replicate: { from: primary, to: primary',
    [
      'primary procedures.failback.steps[0].replicate.to: from and to are both "primary" (Name two places.)',
    ],
  ],
  [
    'a snapshot and a moment',
    'at: latest, into',
    'at: latest, snapshot: latest, into',
    [
      'at drills.dropped-collection.steps[2].restore.at: "at" and "snapshot" both say what to restore (Keep "at" for a moment, or "snapshot" for the state that a backup took.)',
    ],
  ],
  [
    'a when in two places',
    'message: "failover ended" }',
    'message: "failover ended", when: always }',
    [
      'when procedures.failover.always[0].when: "when" is given twice, beside notify and inside it (Keep one of them.)',
    ],
  ],
  [
    'times in the wrong order',
    'likely: 10m, max: 30m',
    'likely: 10m, max: 9m',
    ['9m procedures.clean-restore.steps[0].takes.max: max is less than likely (Order the times.)'],
  ],
  [
    'a step that nothing leads to',
    '      - archive: { collections: [products], to: offsite }',
    '      - archive: { collections: [products], to: offsite }\n      - notify: { channel: ops, message: "no ${run.error}" }\n        when: failure',
    [
      'failure schedules.log.steps[1].when: this step never runs: no step before it lets the run go on after a failure (Put it under always:)',
    ],
  ],
  [
    'a question of a schedule',
    '      - archive: { collections: [products], to: offsite }',
    '      - archive: { collections: [products], to: offsite }\n        confirm: true',
    [
      'confirm schedules.log.steps[0].confirm: a schedule has nobody to ask (Move the step to a drill or a procedure.)',
    ],
  ],
]

describe('settings of a step that do not go together', () => {
  itTells(mistakes)
})

/** Every step kind. A new one is a file beside this and a line here. */
import { backup } from './backup.ts'
import { check } from './check.ts'
import { drop } from './drop.ts'
import { exec } from './exec.ts'
import { importStep } from './import.ts'
import { inject } from './inject.ts'
import { prune } from './prune.ts'
import { restore } from './restore.ts'
import type { StepRegistry } from './step.ts'
import { verify } from './verify.ts'

export const stepRegistry: StepRegistry = {
  import: importStep,
  backup,
  verify,
  restore,
  check,
  drop,
  prune,
  inject,
  exec,
}

/** Every step kind. A new one is a file beside this and a line here. */
import { approve } from './approve.ts'
import { archive } from './archive.ts'
import { backup } from './backup.ts'
import { canary } from './canary.ts'
import { check } from './check.ts'
import { copy } from './copy.ts'
import { drop } from './drop.ts'
import { exec } from './exec.ts'
import { fence } from './fence.ts'
import { http } from './http.ts'
import { importStep } from './import.ts'
import { inject } from './inject.ts'
import { manual } from './manual.ts'
import { notify } from './notify.ts'
import { probe } from './probe.ts'
import { promote } from './promote.ts'
import { prune } from './prune.ts'
import { reconcile } from './reconcile.ts'
import { replicate } from './replicate.ts'
import { restore } from './restore.ts'
import type { StepRegistry } from './step.ts'
import { switchStep } from './switch.ts'
import { verify } from './verify.ts'
import { wait } from './wait.ts'

export const stepRegistry: StepRegistry = {
  import: importStep,
  backup,
  archive,
  verify,
  copy,
  prune,
  restore,
  check,
  drop,
  inject,
  canary,
  fence,
  promote,
  replicate,
  switch: switchStep,
  probe,
  reconcile,
  approve,
  manual,
  notify,
  exec,
  http,
  wait,
}

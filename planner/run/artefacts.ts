/**
 * Artefacts: what a step keeps as evidence, at
 * `<state>/runs/<run>/<stage>/<step>/<name>`. The record holds their SHA-256.
 */
import * as path from 'node:path'
import { type Disk, replaceFile, sha256Hex } from '../../engine/index.ts'
import { makeDurableDirectory, refuseLinks } from '../ledger/durable-directory.ts'
import type { Evidence } from '../step/record.ts'
import type { StepKey } from './run-event.ts'

/** @throws `disk-refused` where a link would lead it elsewhere, and what the disk throws */
export async function keepArtefact(
  disk: Disk,
  stateDirectory: string,
  run: string,
  { stage, step }: StepKey,
  name: string,
  content: Uint8Array,
): Promise<Evidence> {
  const artefact = ['runs', run, stage, step, name].join('/')
  const file = path.join(stateDirectory, ...artefact.split('/'))
  await refuseLinks(disk, path.join(stateDirectory, 'runs'), path.dirname(file))
  await makeDurableDirectory(disk, path.dirname(file))
  await replaceFile(disk, file, content)
  return { artefact, sha256: sha256Hex(content) }
}

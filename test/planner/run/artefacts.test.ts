import { mkdir, readdir, symlink } from 'node:fs/promises'
import * as path from 'node:path'
import { expect, test } from 'vitest'
import { nodeDisk } from '../../../engine/index.ts'
import { keepArtefact } from '../../../planner/run/artefacts.ts'
import { temporaryDirectory } from '../../support/temporary-directory.ts'

const key = { stage: 'steps', step: 'one' } as const
const keep = (state: string) =>
  keepArtefact(nodeDisk, state, 'run-1', key, 'out.txt', Buffer.from('x'))

test('case 84: an artefact is not written through a link; all of them may lie on another disk', async () => {
  const state = await temporaryDirectory()
  const elsewhere = await temporaryDirectory()
  await symlink(elsewhere, path.join(state, 'runs'))
  expect(await keep(state)).toMatchObject({ artefact: 'runs/run-1/steps/one/out.txt' })
  expect(await readdir(path.join(elsewhere, 'run-1', 'steps', 'one'))).toEqual(['out.txt'])
  const other = await temporaryDirectory()
  const outside = await temporaryDirectory()
  await mkdir(path.join(other, 'runs', 'run-1'), { recursive: true })
  await symlink(outside, path.join(other, 'runs', 'run-1', 'steps'))
  await expect(keep(other)).rejects.toMatchObject({ code: 'disk-refused' })
  expect(await readdir(outside)).toEqual([])
})

/** The pages of an exercise that are written before it is played. */
import * as path from 'node:path'
import { replaceFile } from '../../engine/index.ts'
import { createRedactor } from '../plan/secret.ts'
import { tellFacilitator, tellPlayers } from '../play/pages.ts'
import { toMarkdown } from '../report/markdown.ts'
import type { PlayTable } from './play-table.ts'
import { shownPath } from './shown-path.ts'

/** @returns where they are */
export async function writePlayPages({ context, plan, setup, out }: PlayTable) {
  const { disk } = context.io
  const { makeDurableDirectory } = await import('../ledger/durable-directory.ts')
  const redact = createRedactor(plan.secrets)
  const name = `exercise-${setup.scenario.name}`
  const paths = {
    facilitator: path.join(out, `${name}-facilitator.md`),
    // its name must not tell the story either
    players: path.join(out, 'exercise-players.md'),
  }
  await makeDurableDirectory(disk, out)
  await replaceFile(
    disk,
    paths.facilitator,
    Buffer.from(redact(toMarkdown(tellFacilitator(setup)))),
  )
  await replaceFile(disk, paths.players, Buffer.from(redact(toMarkdown(tellPlayers(setup)))))
  await context.confirm(`for the facilitator: ${shownPath(paths.facilitator)}`)
  await context.confirm(`for the players: ${shownPath(paths.players)}`)
  return paths
}

/** An exercise of the shop that the product ships: the region is lost, and the first on call with it. */
import { fileURLToPath } from 'node:url'
import { nodeDisk } from '../../engine/index.ts'
import { loadPlan } from '../../planner/plan/load-plan.ts'
import { type PlaySetup, setupPlay } from '../../planner/play/play-setup.ts'
import { stepRegistry } from '../../planner/step/registry.ts'

export const shopFile = fileURLToPath(new URL('../../plans/scenarios/shop.yaml', import.meta.url))

export const shopStory = 'region-loss-nobody-answers'

export async function shopSetup(story = shopStory): Promise<PlaySetup> {
  const plan = await loadPlan(shopFile, { disk: nodeDisk, env: {} })
  const scenario = plan.scenarios.get(story)
  const procedure = plan.procedures.get(scenario?.recover ?? '')
  if (scenario === undefined || procedure === undefined) throw new Error(`no story ${story}`)
  return setupPlay(plan, scenario, procedure, stepRegistry, [])
}

export const minutes = (count: number): number => count * 60_000

/** A late answer, an escalation to the deputy, two wrong turns; ends with the service back. */
export const shopScript = `version: 1
scenario: ${shopStory}
startedAt: 2026-11-27T09:00:00Z
acts:
  - { at: 6m, answer: engineer-2 }
  - { at: 8m, decide: procedure start-nearby, by: engineer-2 }
  - { at: 9m, decide: declare, by: engineer-2 }
  - { at: 10m, decide: procedure start-elsewhere, by: engineer-2 }
  - { at: 11m, decide: restore, by: engineer-2 }
  - { at: 12m, call: lead-1 }
  - { at: 21m, answer: lead-1 }
  - { at: 22m, decide: approve, by: lead-1 }
  - { at: 23m, decide: restore, by: engineer-2 }
  - { at: 50m, decide: check, by: engineer-2 }
  - { at: 51m, decide: manual, by: engineer-2 }
  - { at: 55m, note: "Second on call had no number of the lead: +41 00 000 00 03." }
  - { at: 65m, action: "Print the runbook.", owner: engineer, due: 2026-12-31, provedBy: procedure start-elsewhere }
  - { at: 65m, end: true }
`

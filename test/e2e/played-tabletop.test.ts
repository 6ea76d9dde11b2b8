/** The built `vectra-dr` at a real terminal, where people play a story: late answers, deputies, wrong turns, a pause. */
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import type { AfterAction } from '../../planner/play/after-action.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { atTerminal, controlC, enter, noTerminal, type Terminal } from '../support/terminal.ts'

const cli = fileURLToPath(new URL('../../dist/planner/cli/main.js', import.meta.url))
const shop = fileURLToPath(new URL('../../plans/scenarios/shop.yaml', import.meta.url))

/** A shop of its own, and the exercise at a terminal. */
async function table(story: string) {
  const directory = await temporaryDirectory()
  await writeFile(join(directory, 'plan.yaml'), await readFile(shop))
  const args = [cli, 'tabletop', 'plan.yaml', '--scenario', story, '--play', '--out', 'reports']
  const sit = () => atTerminal(args, directory)
  const files = async (name: string) => {
    const entries = await readdir(join(directory, name), { withFileTypes: true }).catch(() => [])
    const names = entries.filter((each) => each.isFile()).map((each) => each.name)
    return Promise.all(
      names.map(
        async (each) => [each, await readFile(join(directory, name, each), 'utf8')] as const,
      ),
    )
  }
  return { directory, sit, files }
}

/** Types what is said at the table once the prompt is there, and waits for what comes of it. */
async function says(terminal: Terminal, line: string, seen: string): Promise<void> {
  await terminal.sees('exercise> ')
  terminal.types(`${line}${enter}`)
  await terminal.sees(seen)
}

describe.skipIf(noTerminal !== undefined)(
  `at a terminal${noTerminal ? ` (${noTerminal})` : ''}`,
  () => {
    test('a late answer, the deputy, a wrong turn, Ctrl-C and a second sitting; then the report tells it', async () => {
      const { sit, files } = await table('node-loss')
      const first = sit()
      await first.sees('Situation: The machine does not come up again.')
      await says(first, '', 'Searches time out')
      await first.sees('engineer-1 (engineer) is called')
      await says(first, '', 'engineer-1 (engineer) does not answer')
      await first.sees('engineer-2 (engineer) is called, as the deputy')
      await says(first, 'answer engineer-1', 'late: after 5m a call counts as unanswered')
      await says(
        first,
        'decide engineer-1 procedure start-elsewhere',
        'the procedure does not call for it now',
      )
      await says(first, 'decide lead-1 declare', 'That does not fit: lead-1 has not answered')
      await says(
        first,
        'note On call was in the underground.',
        'note: On call was in the underground.',
      )
      await first.sees('exercise> ')
      first.types(controlC)
      expect(await first.ends()).toBe(130)
      expect(await files('.vectra-dr/exercises')).toHaveLength(1)
      expect(await files('reports')).toHaveLength(2)

      const second = sit()
      await second.sees('goes on at +7m')
      await second.sees('note: On call was in the underground.')
      await says(second, 'decide engineer-1 declare', 'declared 7 min')
      await says(second, 'decide engineer-1 procedure start-nearby', 'it begins with restore')
      await says(second, 'hint', '$ vectra-cli ')
      await says(second, 'decide engineer-1 restore', 'done at 13m')
      await says(second, '', 'engineer-2 (engineer) does not answer')
      await says(second, '', 'step restore is done')
      await says(second, 'decide engineer-1 check', 'decides: step check')
      await says(second, '', 'step check is done')
      await says(second, 'decide engineer-1 manual', 'decides: step manual')
      await says(second, '', 'the service is back')
      await says(
        second,
        'action engineer 2026-12-31 procedure:start-nearby Give on call a second way to be reached.',
        'corrective action',
      )
      await says(second, 'end', 'objectives reached, 1 corrective action')
      expect(await second.ends()).toBe(0)

      expect(await files('.vectra-dr/exercises')).toEqual([])
      const [, json = ''] = (await files('reports')).find(([name]) => name.endsWith('.json')) ?? []
      const report = JSON.parse(json) as AfterAction
      expect(report.scope).toMatchObject({
        sittings: 2,
        isScripted: false,
        procedure: 'start-nearby',
      })
      expect(report.participants).toEqual([{ contact: 'engineer-1', role: 'engineer' }])
      const bad = report.areasToImprove.join('\n')
      expect(bad).toContain('answers after 5 min')
      expect(bad).toContain('procedure start-elsewhere')
      expect(report.observations).toContain('On call was in the underground.')
      expect(report.objectives.at(-1)).toMatchObject({ isMet: true })
      const ledger = (await files('.vectra-dr')).find(([name]) => name === 'ledger.jsonl')?.[1]
      expect(ledger).toContain('"kind":"exercise"')
      expect(ledger).not.toMatch(/First on call|\+41/)
    })
  },
)

/** The built `vectra-dr` at a real terminal: what it asks, what it takes for an answer, and what Ctrl-C does. */
import { access, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { atTerminal, controlC, enter, noTerminal } from '../support/terminal.ts'

const cli = fileURLToPath(new URL('../../dist/planner/cli/main.js', import.meta.url))

const plan = `version: 1
name: asks
owner: somebody
targets: { local: { engine: vectra, path: ./store } }
collections: { points: { target: local } }
destinations: { backups: { url: ./backups } }
people:
  roles:
    commander: { primary: on-call-1, deputies: [on-call-2] }
    engineer: { primary: db-1 }
  contacts:
    on-call-1: { name: Ada Example, phone: "+41 00 000 00 01" }
    on-call-2: { name: Bob Example, phone: "+41 00 000 00 02" }
    db-1: { name: Eve Example, phone: "+41 00 000 00 03" }
schedules:
  switch:
    cron: "0 2 * * *"
    steps:
      - approve: { by: commander, question: "Go on?" }
      - manual: { do: "Look out of the window.", role: engineer }
      - exec: { command: [touch, done] }
    always:
      - exec: { command: [touch, tidied] }
        id: tidy
`

/** The plan's run at a terminal, up to its first question. */
async function asked() {
  const directory = await temporaryDirectory()
  await writeFile(join(directory, 'plan.yaml'), plan)
  const terminal = atTerminal([cli, 'run', 'plan.yaml'], directory)
  await terminal.sees('Go on?')
  await terminal.sees('such as yes@on-call-1: ')
  const made = (file: string) =>
    access(join(directory, file)).then(
      () => true,
      () => false,
    )
  const ledger = () => readFile(join(directory, '.vectra-dr/ledger.jsonl'), 'utf8')
  return { terminal, made, ledger }
}

describe.skipIf(noTerminal !== undefined)(
  `at a terminal${noTerminal ? ` (${noTerminal})` : ''}`,
  () => {
    test('approve and manual ask one after the other; who said what is in the ledger, and no name', async () => {
      const { terminal, made, ledger } = await asked()
      terminal.types(`yes@on-call-2${enter}`)
      await terminal.sees('Look out of the window.')
      await terminal.sees('such as done: ')
      terminal.types(`done${enter}`)
      expect(await terminal.ends()).toBe(0)
      expect(await made('done')).toBe(true)
      const text = await ledger()
      expect(text).toContain('"contact":"on-call-2"')
      expect(text).toContain('"how":"terminal"')
      expect(text).not.toMatch(/Example|\+41/)
    })

    test("Enter alone, and a yes that is not said to be anybody's, are no yes: asked three times, it stops", async () => {
      const { terminal, made } = await asked()
      terminal.types(enter)
      await terminal.sees('such as yes@on-call-1: ')
      terminal.types(`yes${enter}`)
      await terminal.sees('such as yes@on-call-1: ')
      terminal.types(`y${enter}`)
      expect(await terminal.ends()).toBe(15)
      expect(await made('done')).toBe(false)
      expect(await made('tidied')).toBe(true)
    })

    test('a no stops the run, and the clean-up runs', async () => {
      const { terminal, made, ledger } = await asked()
      terminal.types(`no@on-call-1${enter}`)
      expect(await terminal.ends()).toBe(15)
      expect(await made('done')).toBe(false)
      expect(await made('tidied')).toBe(true)
      expect(await ledger()).toContain('"code":"declined"')
    })

    test('Ctrl-C at a question ends the run with 130, and the clean-up runs', async () => {
      const { terminal, made, ledger } = await asked()
      terminal.types(controlC)
      expect(await terminal.ends()).toBe(130)
      expect(await made('done')).toBe(false)
      expect(await made('tidied')).toBe(true)
      expect(await ledger()).toContain('"outcome":"interrupted"')
    })

    test('init asks five questions; Enter takes what stands in brackets, and a wrong answer is asked again', async () => {
      const directory = await temporaryDirectory()
      const terminal = atTerminal([cli, 'init', 'dr'], directory)
      await terminal.sees('[items]: ')
      terminal.types(`shop${enter}`)
      await terminal.sees('[./vectra-data]: ')
      terminal.types(enter)
      await terminal.sees('[./backups]: ')
      terminal.types(enter)
      await terminal.sees('[26h]: ')
      terminal.types(`a day${enter}`)
      await terminal.sees('is not a duration')
      await terminal.sees('[26h]: ')
      terminal.types(`2h${enter}`)
      await terminal.sees('[1h]: ')
      terminal.types(enter)
      expect(await terminal.ends()).toBe(0)
      const text = await readFile(join(directory, 'dr/plan.yaml'), 'utf8')
      expect(text).toContain('\nname: shop\n')
      expect(text).toContain('path: ./vectra-data }')
      expect(text).toMatch(/rpo: 2h +#/)
      expect(text).toContain('every: 1h ')
    })

    test('Ctrl-C at a question of init writes nothing and exits 130', async () => {
      const directory = await temporaryDirectory()
      const terminal = atTerminal([cli, 'init', 'dr'], directory)
      await terminal.sees('[items]: ')
      terminal.types(controlC)
      expect(await terminal.ends()).toBe(130)
      await expect(access(join(directory, 'dr'))).rejects.toThrow('ENOENT')
    })
  },
)

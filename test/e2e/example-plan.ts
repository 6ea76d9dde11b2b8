/**
 * An example of plans/ tried out as its first comment says: the commands that stand there, typed in a copy
 * of the project's plans. Starting the built commands costs most of the time, so a test types the main path
 * with them and the rest inside its own process.
 */
import { access, chmod, cp, mkdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { execa } from 'execa'
import { expect } from 'vitest'
import { nodeDisk, systemClock } from '../../engine/index.ts'
import type { Io } from '../../planner/cli/io.ts'
import { readLedger } from '../../planner/ledger/ledger-reader.ts'
import { loadPlan } from '../../planner/plan/load-plan.ts'
import { type PastRun, pastRuns } from '../../planner/run/past-run.ts'
import { type CommandResult, dr } from '../support/dr-command.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'

const project = fileURLToPath(new URL('../..', import.meta.url))

const built = {
  'vectra-cli': join(project, 'dist/engine/cli/main.js'),
  'vectra-dr': join(project, 'dist/planner/cli/main.js'),
}

export interface ExamplePlan {
  /** Where the project's directory would be. */
  readonly root: string
  readonly file: string
  /** The commands of the first comment, in their order. */
  readonly lines: readonly string[]
  /** Types a line at a shell, the built commands on its PATH. @returns what it printed on standard output */
  type(line: string, exitCode?: number): Promise<string>
  /** The same for a `vectra-dr` line without quotes and variables, inside this process. */
  quickly(line: string, exitCode?: number, changes?: Partial<Io>): Promise<CommandResult>
  /** Types a `vectra-dr` line whose process is killed when the step begins. */
  dieAt(step: string, line: string): Promise<void>
  /** Changes the plan's text as its comments tell a person to. */
  edit(from: string | RegExp, to: string): Promise<void>
  /** All runs of the plan, as they started. */
  runs(): Promise<readonly PastRun[]>
  /** The newest run of the plan: how it ended, and what its steps left by their ids. */
  lastRun(): Promise<{ readonly run: PastRun; readonly outputs: ReadonlyMap<string, Outputs> }>
  /** That each schedule, drill and procedure of the plan ran, and passed when it ran last. */
  everySequencePassed(): Promise<void>
  /** Codes of what `check` finds on the day of {@link reviewed}, each once, sorted; notes apart from what is graver. */
  findings(): Promise<{ readonly grave: readonly string[]; readonly notes: readonly string[] }>
}

/** The examples were gone through on this day. */
const reviewed = Date.UTC(2026, 10, 26, 12)

type Outputs = PastRun['records'][number]['outputs']

/** @param env what the plan needs of the environment */
export async function examplePlan(
  name: string,
  env: Record<string, string> = {},
): Promise<ExamplePlan> {
  const root = await temporaryDirectory()
  const bin = join(root, 'bin')
  await mkdir(bin)
  for (const [command, target] of Object.entries(built)) {
    await access(target)
    await chmod(target, 0o755)
    await symlink(target, join(bin, command))
  }
  await mkdir(join(root, 'plans'))
  await symlink(join(project, 'plans/data'), join(root, 'plans/data'))
  const file = join(root, 'plans', `${name}.yaml`)
  await cp(join(project, 'plans', `${name}.yaml`), file)
  const text = await readFile(file, 'utf8')
  const [comment = ''] = text.split(/^(?!#)/m)
  const lines = [...comment.matchAll(/^# {5}(\S.*)$/gm)].map(([, line = '']) => line)
  const path = [bin, dirname(process.execPath), process.env['PATH']].join(delimiter)
  const environment = { ...env, PATH: path }
  const inRoot = (word: string) => (word.startsWith('plans/') ? join(root, word) : word)
  const pastRunsOfPlan = async () => {
    const reading = await readLedger(nodeDisk, join(root, 'plans/.vectra-dr/ledger.jsonl'))
    expect(reading.problem).toBeUndefined()
    return pastRuns(name, reading.entries)
  }
  return {
    root,
    file,
    lines,
    async type(line, exitCode = 0) {
      const ran = await execa('bash', ['-c', line], {
        cwd: root,
        env: environment,
        reject: false,
        stdin: 'ignore',
      })
      expect(ran.exitCode, `${line}\n${ran.stdout}\n${ran.stderr}`).toBe(exitCode)
      return ran.stdout
    },
    async quickly(line, exitCode = 0, changes = {}) {
      const [command, ...words] = line.split(' ')
      expect(command).toBe('vectra-dr')
      const ran = await dr(words.map(inRoot), { env: environment, ...changes })
      expect(ran.exitCode, `${line}\n${ran.stdout}\n${ran.stderr}`).toBe(exitCode)
      return ran
    },
    async dieAt(step, line) {
      const command = `exec ${line} --json`
      const child = execa('bash', ['-c', command], {
        cwd: root,
        env: environment,
        reject: false,
        stdin: 'ignore',
        buffer: false,
      })
      for await (const text of child) {
        const event = JSON.parse(text) as Record<string, unknown> // our own output
        if (event['event'] !== 'step-started' || event['step'] !== step) continue
        child.kill('SIGKILL')
        break
      }
      expect((await child).signal, line).toBe('SIGKILL')
    },
    runs: pastRunsOfPlan,
    async edit(from, to) {
      const before = await readFile(file, 'utf8')
      const after = before.replace(from, to)
      expect(after, `the plan has no ${from}`).not.toBe(before)
      await writeFile(file, after)
    },
    async lastRun() {
      const run = (await pastRunsOfPlan()).at(-1)
      if (run === undefined) throw new Error('nothing ran')
      return { run, outputs: new Map(run.records.map((each) => [each.step, each.outputs])) }
    },
    async everySequencePassed() {
      const plan = await loadPlan(file, { disk: nodeDisk, env: environment })
      const all = [plan.schedules, plan.drills, plan.procedures].flatMap((each) => [
        ...each.values(),
      ])
      const runs = await pastRunsOfPlan()
      const last = all.map(({ kind, name: sequence }) => {
        const run = runs.findLast((each) => {
          return each.sequence.kind === kind && each.sequence.name === sequence
        })
        return `${kind} ${sequence} ${run?.outcome ?? 'never ran'}`
      })
      expect(last).toEqual(all.map((each) => `${each.kind} ${each.name} passed`))
    },
    async findings() {
      const clock = { ...systemClock, nowMs: () => reviewed }
      const argv = ['check', file, '--json']
      const { exitCode, stdout, stderr, objects } = await dr(argv, { env: environment, clock })
      expect([0, 3], stdout + stderr).toContain(exitCode)
      const found = objects().filter(({ code }) => typeof code === 'string')
      const codes = (isGrave: boolean) => [
        ...new Set(
          found
            .filter(({ severity }) => (severity !== 'note') === isGrave)
            .map(({ code }) => String(code)),
        ),
      ]
      return { grave: codes(true).sort(), notes: codes(false).sort() }
    },
  }
}

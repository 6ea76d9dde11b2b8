/**
 * The commands of a runbook as a shell reads its page, and how a test runs them: the project's own inside
 * this process, all others as processes.
 */
import { execa } from 'execa'
import { expect } from 'vitest'
import { type CliRun, runCli } from '../engine/cli/run-cli.ts'
import { dr } from '../support/dr-command.ts'

export type Ran = Pick<CliRun, 'exitCode' | 'stdout' | 'stderr'>
export type Environment = Readonly<Record<string, string>>
type Words = readonly string[]

export interface PageCommands {
  readonly all: readonly Words[]
  /** What only looks, before any procedure. */
  readonly look: readonly Words[]
  readonly procedures: readonly {
    readonly name: string
    /** The one command that does all of it. */
    readonly recover: Words
    readonly byHand: readonly Words[]
  }[]
  /** Drills, and what comes afterwards. */
  readonly rest: readonly Words[]
}

/**
 * Words as the shell passes them on, nothing left to fill in.
 * @param answers what a person fills in, by the variable's name; one that no line asks for is a mistake
 * @param env a variable of the page that is neither here nor set by it is a mistake of the page
 */
export async function commandsOn(
  page: string,
  answers: Readonly<Record<string, string>>,
  env: Environment,
): Promise<PageCommands> {
  const lines = [...page.matchAll(/^(`{3,})sh\n([\s\S]*?)^\1$/gm)]
    .flatMap((block) => (block[2] ?? '').split('\n'))
    .filter((line) => line !== '')
  const asked = new Set<string>()
  const script = lines.map((line) => {
    const [, name] = /^export (\w+)='FILL IN: /.exec(line) ?? []
    if (name !== undefined) {
      expect(answers, `somebody has to say ${name}`).toHaveProperty(name)
      asked.add(name)
      return `export ${name}='${answers[name]}'`
    }
    return line.startsWith('export ') ? line : `printf '%s\\0' ${line}; printf '\\n'`
  })
  expect([...asked].sort()).toEqual(Object.keys(answers).sort())
  const { stdout } = await execa('bash', ['-euc', script.join('\n')], {
    env,
    stripFinalNewline: false,
  })
  const commands = stdout.split('\0\n').map((words) => words.split('\0'))
  expect(commands.at(-1)).toEqual([''])
  return inParts(commands.slice(0, -1))
}

function inParts(all: readonly Words[]): PageCommands {
  const starts = all.flatMap((words, at) => (isPlanner(words, 'recover') ? [at] : []))
  const first = (at: number) =>
    all.findIndex((words, index) => index >= at && isPlanner(words, 'drill', 'ledger'))
  const end = first(starts.at(-1) ?? 0)
  return {
    all,
    look: all.slice(0, starts[0] ?? end),
    procedures: starts.map((at, index) => ({
      name: all[at]?.[3] ?? '',
      recover: all[at] ?? [],
      byHand: all.slice(at + 1, starts[index + 1] ?? end),
    })),
    rest: all.slice(end),
  }
}

export const isPlanner = ([command, sub = '']: Words, ...subs: readonly string[]): boolean =>
  command === 'vectra-dr' && subs.includes(sub)

/** Runs words in the working directory. `env -u NAME` in front of them is done here. */
export async function runWords(words: Words, env: Environment): Promise<Ran> {
  const [command = '', ...rest] = words
  if (command === 'env' && rest[0] === '-u') {
    const { [rest[1] ?? '']: _, ...without } = env
    return runWords(rest.slice(2), without)
  }
  if (command === 'vectra-cli') return runCli(rest, { env })
  if (command === 'vectra-dr') return dr(rest, { env })
  const {
    exitCode = -1,
    stdout,
    stderr,
  } = await execa(command, rest, {
    env,
    extendEnv: false,
    reject: false,
    stdin: 'ignore',
  })
  return { exitCode, stdout, stderr }
}

/** What a command is known by in a message. */
export const toldText = (words: Words, { stdout, stderr }: Ran): string =>
  `${words.join(' ')}\n${stdout}${stderr}`

/** How a page is gone through; all but `env` only where it is not as a rule. */
interface Course {
  readonly env: Environment
  /** What happens before a procedure is called for, both times. */
  readonly before?: Readonly<Record<string, () => Promise<unknown>>>
  /** What `recover` asks, by procedure. */
  readonly said?: Readonly<Record<string, readonly string[]>>
  /** Between the two rounds, as the page says how to go back. */
  readonly goBack?: readonly string[]
  /** Commands that the test typed before. */
  readonly done?: readonly string[]
  /** How a command may end that does not end with 0 there, as the page says. */
  readonly otherEnds?: (line: string, procedure: string) => readonly number[] | undefined
}

/**
 * Types everything on the page, in the working directory: the first look, all procedures with their one
 * command, then all by hand, drills, and what comes afterwards. @returns what was printed
 */
export async function followPage(page: PageCommands, course: Course): Promise<string> {
  const { env, before = {}, said = {}, done = [], goBack = [], otherEnds } = course
  let told = ''
  const typed = new Set<Words>()
  const isDone = (words: Words) => done.includes(words.join(' '))
  const follow = async (words: Words, procedure = '', more: readonly string[] = []) => {
    typed.add(words)
    if (isDone(words)) return
    const codes =
      otherEnds?.(words.join(' '), procedure) ?? (isPlanner(words, 'audit') ? [0, 3] : [0])
    const ran = await runWords([...words, ...more], env)
    expect(codes, toldText(words, ran)).toContain(ran.exitCode)
    told += toldText(words, ran)
  }
  for (const words of page.look) await follow(words)
  for (const { name, recover } of page.procedures) {
    if (!isDone(recover)) await before[name]?.()
    const answers = (said[name] ?? []).flatMap((each) => ['--answer', each])
    await follow(recover, name, [...answers, '--yes'])
  }
  for (const line of goBack) {
    const ran = await runWords(line.split(' '), env)
    expect(ran.exitCode, toldText([line], ran)).toBe(0)
  }
  for (const { name, byHand } of page.procedures) {
    await before[name]?.()
    for (const words of byHand) await follow(words, name)
  }
  for (const words of page.rest) await follow(words)
  expect(page.all.filter((words) => !typed.has(words))).toEqual([])
  return told
}

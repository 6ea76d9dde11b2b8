import { randomUUID } from 'node:crypto'
import { EventEmitter, once } from 'node:events'
import * as fs from 'node:fs/promises'
import * as path from 'node:path'
import { describe, expect, test } from 'vitest'
import { type JsonObject, OperatingError, processStart } from '../../../engine/index.ts'
import { toEnvironment, toInvocation } from '../../../engine/outside.ts'
import type { ExecInput } from '../../../planner/plan/step-inputs.ts'
import { exec } from '../../../planner/step/exec.ts'
import { text } from '../../support/plan-builder.ts'
import { buildRecord, stepBench } from '../../support/step-bench.ts'
import { temporaryDirectory } from '../../support/temporary-directory.ts'
import { until } from '../../support/until.ts'

const inputOf = (
  words: readonly [string, ...string[]],
  workingDirectory = '/tmp',
  env: Readonly<Record<string, string>> = {},
): ExecInput => {
  const [program, ...rest] = words
  return {
    command: [text(program), ...rest.map((word) => text(word))],
    env: new Map(Object.entries(env).map(([name, value]) => [name, text(value)])),
    workingDirectory,
    repeatable: false,
  }
}

/** A program in JavaScript. */
const script = (code: string, ...args: readonly string[]) =>
  inputOf([process.execPath, '-e', code, ...args])

const alive = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

describe('case 92: exec', () => {
  const nasty = [
    '; touch pwned',
    '$(touch pwned)',
    '`touch pwned`',
    '| tee pwned',
    '&& touch pwned',
  ]

  test('case 92: what a shell would obey is an argument like any other', async () => {
    const directory = await temporaryDirectory()
    const bench = stepBench()
    const args = [...nasty, 'a\nb', '-rf', '--', '*', '~', '$HOME', "'", '"']
    const code = 'console.log(JSON.stringify(process.argv.slice(1)))'
    const words = [process.execPath, '-e', code, '--', ...args] as const
    const { outputs, error } = await exec.run(inputOf([...words], directory), bench.context)
    expect(error).toBeUndefined()
    expect(JSON.parse(String(outputs['stdout']))).toEqual(args)
    expect(await fs.readdir(directory)).toEqual([])
  })

  test('case 92: the program runs in the plan directory with a minimal environment', async () => {
    const directory = await temporaryDirectory()
    const bench = stepBench({
      environment: { PATH: '/usr/bin:/bin', HOME: '/home/x', LANG: 'C', SECRET: 'swordfish' },
    })
    const code = 'console.log(JSON.stringify([process.cwd(), process.env]))'
    const { outputs } = await exec.run(
      inputOf([process.execPath, '-e', code], directory, { REGION: 'eu' }),
      bench.context,
    )
    const [cwd, env] = JSON.parse(String(outputs['stdout']))
    expect(cwd).toBe(await fs.realpath(directory))
    const { VECTRA_DR_STEP, ...rest } = env
    expect(VECTRA_DR_STEP).toBe(bench.context.mark)
    expect(rest).toEqual({ PATH: '/usr/bin:/bin', HOME: '/home/x', LANG: 'C', REGION: 'eu' })
  })

  test('case 92: a program in the plan directory is not found through PATH', async () => {
    const directory = await temporaryDirectory()
    await fs.writeFile(path.join(directory, 'uptime'), '#!/bin/sh\necho hijacked\n', {
      mode: 0o755,
    })
    await fs.copyFile(path.join(directory, 'uptime'), path.join(directory, 'no-such-program'))
    for (const PATH of ['', ':', '.', ':.:', ':/nowhere:..:', undefined]) {
      const bench = stepBench({ environment: { PATH } })
      for (const program of ['uptime', 'no-such-program']) {
        await exec.run(inputOf([program], directory), bench.context)
        expect(bench.kept.get('stdout.txt')).not.toContain('hijacked')
      }
    }
    expect(toEnvironment({ PATH: ':.:bin:/usr/bin:../x' }, new Map())).toEqual({ PATH: '/usr/bin' })
  })

  test.each([
    [['a\0b']],
    [['echo', 'a\0b']],
    [['']],
    [[' ']],
    [['-rf', '/']],
    [['deploy.bat']],
    [['C:\\x\\deploy.CMD', 'a']],
  ])('case 92: %j is refused before anything starts', (words) => {
    expect(() => toInvocation(words)).toThrow(OperatingError)
  })

  test('case 92: a NUL in a declared variable is refused', () => {
    expect(() => toEnvironment({}, new Map([['A', 'x\0y']]))).toThrow(/NUL/)
  })

  test('case 92: much output is bounded, its beginning and end are kept', async () => {
    const bench = stepBench()
    const code = `const line = 'x'.repeat(99) + '\\n'
      process.stdout.write('first\\n' + line.repeat(200_000) + 'last\\n')`
    const { outputs, error } = await exec.run(script(code), bench.context)
    expect(error).toBeUndefined()
    expect(outputs['stdoutBytes']).toBe(20_000_011)
    const kept = bench.kept.get('stdout.txt') ?? ''
    expect(kept.length).toBeLessThan(66_000)
    expect(kept.startsWith('first\n')).toBe(true)
    expect(kept.endsWith('last\n')).toBe(true)
    expect(kept).toContain('lines left out')
    expect(bench.remarks.length).toBeLessThan(110)
  })

  test('case 92: a line without an end is bounded too', async () => {
    const bench = stepBench()
    const code = "for (let i = 0; i < 500; i++) process.stdout.write('y'.repeat(10_000))"
    await exec.run(script(code), bench.context)
    expect((bench.kept.get('stdout.txt') ?? '').length).toBeLessThan(66_000)
  })

  test('case 92: a group that ignores SIGTERM is killed, children and all', async () => {
    const pids: number[] = []
    let kill = () => {}
    const bench = stepBench({
      // the grace period is over when the test says so
      timer: {
        after: (milliseconds, act) => {
          if (milliseconds === 5_000) kill = act
          return () => {}
        },
      },
      remark: (line) => {
        pids.push(...line.split(' ').map(Number))
        bench.stop.abort(new OperatingError('interrupted', 'enough', ''))
      },
    })
    const stubborn = "process.on('SIGTERM', () => {}); setInterval(() => {}, 1000)"
    const code = `${stubborn}
      const child = require('node:child_process').spawn(process.execPath,
        ['-e', ${JSON.stringify(`${stubborn}; console.log('up')`)}],
        { stdio: ['ignore', 'pipe', 'ignore'] })
      child.stdout.once('data', () => console.log(process.pid + ' ' + child.pid))`
    const running = exec.run(script(code), bench.context)
    running.catch(() => {})
    await until(() => pids.length === 2)
    expect(pids.map(alive)).toEqual([true, true])
    kill()
    await expect(running).rejects.toThrow('enough')
    // the kernel needs a moment to take them away
    await until(() => !pids.some(alive))
  })

  test('case 92: a program that obeys SIGTERM is not killed', async () => {
    const bench = stepBench({
      remark: (line) => {
        if (line === 'up') bench.stop.abort(new OperatingError('interrupted', 'enough', ''))
      },
    })
    const code = `process.on('SIGTERM', () => { console.log('tidied'); process.exit(0) })
      setInterval(() => {}, 1000); console.log('up')`
    await expect(exec.run(script(code), bench.context)).rejects.toThrow('enough')
    expect(bench.kept.get('stdout.txt')).toBe('up\ntidied\n')
  })

  test('case 92: the second signal kills at once', async () => {
    const bench = stepBench({
      timer: { after: () => () => {} },
      remark: () => {
        bench.stop.abort(new OperatingError('interrupted', 'enough', ''))
        bench.force.abort()
      },
    })
    const code = "process.on('SIGTERM', () => {}); setInterval(() => {}, 1000); console.log('up')"
    await expect(exec.run(script(code), bench.context)).rejects.toThrow('enough')
  })
})

test('a command that fails keeps its output and says its last words', async () => {
  const bench = stepBench()
  const { outputs, error } = await exec.run(
    script("console.log('out'); console.error('first\\nit broke'); process.exit(7)"),
    bench.context,
  )
  expect(outputs).toMatchObject({ exitCode: 7, stdout: 'out\n' })
  expect(error).toMatchObject({
    code: 'command-failed',
    message: expect.stringMatching(/exit code 7: it broke$/),
  })
  expect(bench.kept.get('stderr.txt')).toBe('first\nit broke\n')
})

test('a program that is not there is named', async () => {
  const { error } = await exec.run(inputOf(['no-such-program-anywhere']), stepBench().context)
  expect(error).toMatchObject({ code: 'command-failed' })
  expect(error?.message).toContain('no-such-program-anywhere could not be started')
})

test('a program that was killed says by what', async () => {
  const { error } = await exec.run(
    script("process.kill(process.pid, 'SIGKILL')"),
    stepBench().context,
  )
  expect(error?.message).toContain('SIGKILL')
})

test('secrets are masked in remarks, outputs and artefacts, also across chunks', async () => {
  const redact = (line: string) => line.replaceAll('swordfish', '***')
  const bench = stepBench({ redact })
  const code = `process.stdout.write('the password is sword')
    setTimeout(() => process.stdout.write('fish.\\n'), 50)
    process.stderr.write('swordfish\\n')`
  const { outputs } = await exec.run(script(code), bench.context)
  expect(outputs['stdout']).toBe('the password is ***.\n')
  expect(bench.remarks).toEqual(['the password is ***.'])
  expect([...bench.kept.values()].join()).not.toContain('swordfish')
})

test('the same command later in the run says whether its output is the same', async () => {
  const bench = stepBench()
  const first = await exec.run(script("console.log('a')"), bench.context)
  const kept = await bench.context.keep('stdout.txt', 'a\n')
  const record = buildRecord({
    step: 'before',
    inputs: { command: ['x'] },
    outputs: first.outputs,
    evidence: [kept],
  })
  const later = stepBench({ records: [record], inputs: { command: ['x'] } })
  const same = await exec.run(script("console.log('a')"), later.context)
  expect(same.outputs['sameAs']).toBe('before')
  expect(later.remarks.at(-1)).toBe('the same output as in step before')
  const other = await exec.run(script("console.log('b')"), later.context)
  expect(other.outputs['differsFrom']).toBe('before')
})

test('vectra-cli and vectra-dr are those of this installation, whatever PATH says', () => {
  const { file, args } = toInvocation(['vectra-cli', 'search', 'words'])
  expect(file).toBe(process.execPath)
  expect(args[0]).toBe(path.resolve('dist/engine/cli/main.js'))
  expect(args.slice(1)).toEqual(['search', 'words'])
  expect(toInvocation(['vectra-dr']).args).toEqual([path.resolve('dist/planner/cli/main.js')])
  // a name that every object has is a program like any other
  expect(toInvocation(['constructor'])).toEqual({ file: 'constructor', args: [] })
})

test('an interrupted program that still runs keeps the run from going on, with what to do', async () => {
  const notes: JsonObject[] = []
  const { context } = stepBench({ note: async (note) => void notes.push(note) })
  await exec.run(script('0'), context)
  const [note] = notes
  expect(note).toMatchObject({ pid: expect.any(Number) })
  const own = { pid: process.pid, startedAt: (await processStart(process.pid)) ?? null }
  const examine = (input: ExecInput, each?: JsonObject) =>
    exec.examine?.(input, { at: 0, ...(each && { note: each }) }, context)
  await expect(examine(script('0'), own)).rejects.toMatchObject({
    code: 'locked',
    hint: expect.stringContaining(`kill -- -${process.pid}`),
  })
  expect(await examine(script('0'), note)).toMatchObject({ state: 'unknown' })
  expect(await examine({ ...script('0'), repeatable: true }, note)).toMatchObject({
    state: 'repeat',
    found: 'the plan says that it may be repeated',
  })
})

test('case 1: a program whose starter died before it noted the pid is found all the same', async () => {
  const noting = new EventEmitter()
  const { context, force } = stepBench({
    mark: `${randomUUID()}/steps/step`,
    note: async ({ pid }) => {
      noting.emit('begun', pid)
      await once(noting, 'goes on')
    },
  })
  const input = { ...script('setInterval(() => {}, 1000)'), repeatable: true }
  const begun = once(noting, 'begun')
  const ended = exec.run(input, context)
  const [pid] = await begun
  const examine = () => exec.examine?.(input, { at: 0 }, context)
  await expect(examine()).rejects.toMatchObject({
    code: 'locked',
    message: expect.stringContaining(`still runs as process ${pid}`),
  })
  force.abort()
  noting.emit('goes on')
  await ended
  expect(await examine()).toMatchObject({ state: 'repeat' })
})

import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { execa } from 'execa'
import { expect, test } from 'vitest'
import { markedProcesses, ownStart, processStart } from '../../../engine/base/process-start.ts'
import { until } from '../../support/until.ts'

test('a living process has one start, the same each time', async () => {
  const start = await processStart(process.pid)
  expect(start).toMatch(/^\d+$/)
  expect(await processStart(process.pid)).toBe(start)
  expect([await ownStart(), await ownStart()]).toEqual([start, start])
})

test('case 36: a process that ended has none, and another one has another', async () => {
  const child = execa(process.execPath, ['-e', 'process.stdin.resume()'], { reject: false })
  await once(child, 'spawn')
  const pid = child.pid ?? 0
  expect(await processStart(pid)).toMatch(/^\d+$/)
  expect(await processStart(pid)).not.toBe(await processStart(process.pid))
  child.kill('SIGKILL')
  await child
  expect(await processStart(pid)).toBeUndefined()
})

test('a process of somebody else is alive', async () => {
  expect(await processStart(1)).toEqual(expect.any(String))
})

test('case 36: a dead process whose parent has not heard of it holds nothing any more', async () => {
  // the program that the shell becomes never asks after the shell's child
  const parent = execa('sh', ['-c', 'sleep 0.1 & echo $!; exec sleep 30'], { reject: false })
  const [said] = await once(parent.stdout, 'data')
  const pid = Number(String(said))
  await until(async () => (await processStart(pid)) === undefined)
  expect(() => process.kill(pid, 0)).not.toThrow()
  parent.kill('SIGKILL')
  await parent
})

test('programs that lead a session are found by what their environment has, and only the living', async () => {
  const mark = randomUUID()
  const start = (value: string, detached: boolean) =>
    execa('sleep', ['30'], { env: { MARK: value }, extendEnv: false, detached, reject: false })
  const leader = start(mark, true)
  const others = [start(mark, false), start(`${mark}0`, true)]
  await Promise.all([leader, ...others].map((child) => once(child, 'spawn')))
  expect(await markedProcesses('MARK', mark)).toEqual([leader.pid])
  expect(await markedProcesses('ARK', mark)).toEqual([])
  leader.kill('SIGKILL')
  await leader
  expect(await markedProcesses('MARK', mark)).toEqual([])
  for (const other of others) {
    other.kill('SIGKILL')
    await other
  }
})

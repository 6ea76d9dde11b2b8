import { execFile } from 'node:child_process'
import * as fs from 'node:fs/promises'
import * as path from 'node:path'
import { promisify } from 'node:util'
import { beforeAll, describe, expect, it } from 'vitest'
import type { Measured } from '../../support/measure-plans.ts'
import { planCorpus } from '../../support/plan-corpus.ts'
import { validPlan } from '../../support/plan-text.ts'
import { suiteDirectory } from '../../support/temporary-directory.ts'

const support = path.resolve(import.meta.dirname, '../../support')
const hugeBytes = 100 * 1024 * 1024

describe('a hostile or broken plan', () => {
  const directory = suiteDirectory()
  const measured = new Map<string, Measured>()

  beforeAll(async () => {
    const write = (name: string, bytes: string | Buffer) =>
      fs.writeFile(path.join(directory.path, name), bytes)
    await write('000 valid', validPlan)
    await write('001 valid with a byte order mark', `\ufeff${validPlan}`)
    await write('002 100 MB', '')
    await fs.truncate(path.join(directory.path, '002 100 MB'), hugeBytes)
    for (const { name, bytes } of planCorpus) await write(name, bytes)
    const { stdout } = await promisify(execFile)(
      process.execPath,
      [
        '--import',
        path.join(support, 'typescript-loader.mjs'),
        path.join(support, 'measure-plans.ts'),
        directory.path,
      ],
      { maxBuffer: 16 * 1024 * 1024 },
    )
    for (const line of stdout.trim().split('\n')) {
      const each = JSON.parse(line) as Measured // written by measure-plans.ts
      measured.set(each.name, each)
    }
  })

  it.each(planCorpus)('case 90: $name is told with line and column', (expected) => {
    const found = measured.get(expected.name)
    expect(found?.code).toBe(expected.code)
    const told = found?.errors.find(({ message }) => message.includes(expected.message))
    expect(told, JSON.stringify(found?.errors)).toBeDefined()
    expect(told?.line).toBe(expected.line ?? told?.line)
    expect(told?.column).toBe(expected.column ?? told?.column)
    expect(found?.errors.every(({ line, column }) => line >= 1 && column >= 1)).toBe(true)
  })

  it('case 90: a file of 100 MB is refused by its size', () => {
    expect(measured.get('002 100 MB')?.code).toBe('plan-too-large')
    expect(measured.get('002 100 MB')?.ms).toBeLessThan(200)
  })

  it('case 90: a byte order mark is tolerated', () => {
    expect(measured.get('001 valid with a byte order mark')?.code).toBe('valid')
  })

  it('case 90: the process answers each in less than 2 s', () => {
    const slow = [...measured.values()].filter(({ ms }) => ms >= 2_000)
    expect(slow).toEqual([])
    expect(measured.size).toBe(planCorpus.length + 3)
  })

  it('case 90: the process grows by less than 150 MB over all of them', () => {
    const growth = Math.max(...[...measured.values()].map(({ growthBytes }) => growthBytes))
    expect(growth).toBeGreaterThan(0)
    expect(growth).toBeLessThan(150e6)
  })
})

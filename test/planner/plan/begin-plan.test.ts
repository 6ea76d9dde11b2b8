import * as fs from 'node:fs/promises'
import * as path from 'node:path'
import { describe, expect, it } from 'vitest'
import { nodeDisk } from '../../../engine/index.ts'
import { beginAhead, beginPlan } from '../../../planner/plan/begin-plan.ts'
import { validPlan } from '../../support/plan-text.ts'
import { suiteDirectory } from '../../support/temporary-directory.ts'

describe('a plan begun ahead', () => {
  const directory = suiteDirectory()
  const planFile = async (name: string, text = validPlan) => {
    const file = path.join(directory.path, name)
    await fs.writeFile(file, text)
    return file
  }
  const bytesOf = async (begun: Promise<{ bytes: Uint8Array }>) =>
    Buffer.from((await begun).bytes).toString()

  it('is what the first who asks for that file gets, and nobody after', async () => {
    const file = await planFile('a.yaml')
    beginAhead(file)
    const first = beginPlan(file, nodeDisk)
    expect(await bytesOf(first)).toBe(validPlan)
    expect((await (await first).parsed)?.problems).toEqual([])
    await planFile('a.yaml', `${validPlan}# changed\n`)
    expect(await bytesOf(beginPlan(file, nodeDisk))).toBe(`${validPlan}# changed\n`)
  })

  it('is not given for another file, nor through another disk', async () => {
    const file = await planFile('b.yaml')
    const other = await planFile('c.yaml', '# other\n')
    beginAhead(file)
    expect(await bytesOf(beginPlan(other, nodeDisk))).toBe('# other\n')
    const disk = { ...nodeDisk, readFile: async () => Buffer.from('# elsewhere\n') }
    expect(await bytesOf(beginPlan(file, disk))).toBe('# elsewhere\n')
    expect(await bytesOf(beginPlan(file, nodeDisk))).toBe(validPlan)
  })

  it('tells what reading it came to when it is asked for, not before', async () => {
    const file = path.join(directory.path, 'none.yaml')
    beginAhead(file)
    await new Promise((resolve) => setImmediate(resolve)) // an unhandled rejection would show here
    await expect(beginPlan(file, nodeDisk)).rejects.toMatchObject({ code: 'plan-not-found' })
  })
})

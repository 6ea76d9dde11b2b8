import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  canonicalJson,
  type Disk,
  type JsonObject,
  type OperatingError,
  sha256Hex,
} from '../../../engine/index.ts'
import { Ledger } from '../../../planner/ledger/ledger.ts'
import { encodeLine, hashLine, startOfLedger } from '../../../planner/ledger/ledger-line.ts'
import { type LedgerReading, readLedger } from '../../../planner/ledger/ledger-reader.ts'
import { pastRuns } from '../../../planner/run/past-run.ts'
import { breakLock } from '../../support/collections.ts'
import { FaultyDisk } from '../../support/faulty-disk.ts'
import { manualClock } from '../../support/manual-clock.ts'
import { manualTimer } from '../../support/manual-timer.ts'
import { MemoryDisk } from '../../support/memory-disk.ts'
import { seededRandom } from '../../support/seeded-random.ts'

const file = '/plans/.vectra-dr/ledger.jsonl'
const head = `${file}.head`
const header = { plan: 'test', planSha256: 'a'.repeat(64), gitCommit: null, run: 'r1' }

const remark = (text: string, details: JsonObject = {}) =>
  ({ kind: 'remark', remark: text, breaks: false, details }) as const

function openLedger(disk: MemoryDisk): Ledger {
  const clock = manualClock()
  return new Ledger(file, { disk, clock, timer: manualTimer(clock) })
}

async function ledgerOf(lines: number): Promise<MemoryDisk> {
  const disk = new MemoryDisk()
  const ledger = openLedger(disk)
  for (let i = 1; i <= lines; i++) await ledger.append(header, remark(`entry ${i}`))
  return disk
}

const read = async (disk: MemoryDisk, name = file): Promise<string> =>
  (await disk.readFile(name, 1e9)).toString('utf8')

async function write(disk: MemoryDisk, text: string, name = file): Promise<void> {
  await disk.unlink(name)
  const handle = await disk.open(name, 'create')
  await handle.write(Buffer.from(text), 0)
  await handle.sync()
  await handle.close()
}

/** What the verifier says after `change` was made to the lines of a ledger with `lines` lines. */
async function afterChange(
  lines: number,
  change: (lines: string[]) => string[],
): Promise<LedgerReading> {
  const disk = await ledgerOf(lines)
  const before = (await read(disk)).trimEnd().split('\n')
  await write(disk, `${change(before).join('\n')}\n`)
  return readLedger(disk, file)
}

const edit = (line: string): string => line.replace('entry', 'Entry')

test('a ledger that nobody touched verifies', async () => {
  const reading = await readLedger(await ledgerOf(5), file)
  expect(reading.problem).toBeUndefined()
  expect(reading.remarks).toEqual([])
  expect(reading.entries.map((entry) => entry.line)).toEqual([1, 2, 3, 4, 5])
})

test('a ledger that is not there has no entries', async () => {
  expect(await readLedger(new MemoryDisk(), file)).toMatchObject({ entries: [], remarks: [] })
})

test('each line holds the hash of the line before', async () => {
  const lines = (await read(await ledgerOf(3))).trimEnd().split('\n')
  const previous = lines.map((line) => JSON.parse(line).previous)
  expect(previous).toEqual(['0'.repeat(64), sha256Hex(lines[0] ?? ''), sha256Hex(lines[1] ?? '')])
})

test('appends at the same time stand one after the other', async () => {
  const disk = new MemoryDisk()
  const [first, second] = [openLedger(disk), openLedger(disk)]
  await Promise.all([
    first.append(header, remark('a')),
    first.append(header, remark('b')),
    first.append(header, remark('c')),
  ])
  await second.append(header, remark('d'))
  expect((await readLedger(disk, file)).problem).toBeUndefined()
})

const lines = 6
const each = Array.from({ length: lines }, (_, index) => index)

test.each(each)('case 96: an edit of line %# is named', async (index) => {
  const { problem } = await afterChange(lines, (all) =>
    all.map((line, at) => (at === index ? edit(line) : line)),
  )
  // the hash of a line stands in the next one, that of the last line in the head
  expect(problem?.line).toBe(index === lines - 1 ? lines : index + 2)
  expect(problem?.reason).toMatch(/changed|head/)
})

test.each(each)('case 96: the deletion of line %# is named', async (index) => {
  const { problem } = await afterChange(lines, (all) => all.toSpliced(index, 1))
  expect(problem?.line).toBe(index + 1)
})

test.each(each.slice(1))('case 96: line %# put before its neighbour is named', async (index) => {
  const { problem } = await afterChange(lines, (all) => {
    const [moved = ''] = all.slice(index, index + 1)
    return all.toSpliced(index, 1).toSpliced(index - 1, 0, moved)
  })
  expect(problem?.line).toBe(index)
})

test.each(each)('case 96: a line inserted before line %# is named', async (index) => {
  const { problem } = await afterChange(lines, (all) => {
    const before =
      index === 0 ? startOfLedger : { line: index, sha256: hashLine(all[index - 1] ?? '') }
    const { text } = encodeLine(header, remark('forged'), before, '2026-01-01T00:00:00.000Z')
    return all.toSpliced(index, 0, text)
  })
  // a well-made forgery fits where it stands; the line behind it no longer does
  expect(problem?.line).toBe(index + 2)
})

test('case 96: a ledger whose end was cut off is named', async () => {
  const { problem } = await afterChange(lines, (all) => all.slice(0, 4))
  expect(problem).toEqual({ line: 5, reason: expect.stringContaining('missing') })
})

test('case 96: lines that no append wrote are named', async () => {
  const disk = await ledgerOf(3)
  let before = { line: 3, sha256: hashLine((await read(disk)).trimEnd().split('\n')[2] ?? '') }
  let text = await read(disk)
  for (let i = 0; i < 2; i++) {
    const forged = encodeLine(header, remark('forged'), before, '2026-01-01T00:00:00.000Z')
    text += `${forged.text}\n`
    before = { line: forged.entry.line, sha256: hashLine(forged.text) }
  }
  await write(disk, text)
  expect((await readLedger(disk, file)).problem?.line).toBe(4)
})

test.each(['', '{}', '{"head":2}', 'x'])('a damaged head %j is named', async (text) => {
  const disk = await ledgerOf(2)
  await write(disk, text, head)
  expect((await readLedger(disk, file)).problem?.reason).toContain('damaged')
})

test('a missing head is remarked, because the end can not be proven', async () => {
  const disk = await ledgerOf(2)
  await disk.unlink(head)
  const { problem, remarks } = await readLedger(disk, file)
  expect(problem).toBeUndefined()
  expect(remarks).toEqual([expect.stringContaining('missing')])
})

test('any changed byte of a line is named', async () => {
  const disk = await ledgerOf(3)
  const text = await read(disk)
  await fc.assert(
    fc.asyncProperty(
      fc.nat({ max: text.length - 1 }),
      fc.integer({ min: 1, max: 255 }),
      async (position, flip) => {
        const bytes = Buffer.from(text)
        bytes[position] = (bytes[position] ?? 0) ^ flip
        const copy = disk.crashLosingNothing()
        const handle = await copy.open(file, 'append')
        await handle.write(bytes, 0)
        await handle.close()
        const found = await readLedger(copy, file).catch((error: OperatingError) => error.code)
        // a version that became another number asks for an upgrade, which is no peace either
        if (found !== 'newer-format') expect(found).toHaveProperty('problem')
      },
    ),
    { numRuns: 300 },
  )
})

test('a line that a crash left unfinished is recognised, and cut off by the next append', async () => {
  const disk = await ledgerOf(2)
  const torn = '{"at":"2026-01-01T00:00'
  await write(disk, (await read(disk)) + torn)
  const torn2 = await readLedger(disk, file)
  expect(torn2.problem).toBeUndefined()
  expect(torn2.remarks).toEqual([expect.stringContaining('unfinished')])

  await openLedger(disk).append(header, remark('after the crash'))
  const { entries, problem, remarks } = await readLedger(disk, file)
  expect(problem).toBeUndefined()
  expect(remarks).toEqual([])
  expect(entries).toMatchObject([
    { line: 1 },
    { line: 2 },
    {
      kind: 'remark',
      breaks: false,
      remark: expect.stringContaining('cut off'),
      details: { cutBytes: torn.length, cutSha256: sha256Hex(torn) },
    },
    { remark: 'after the crash' },
  ])
})

test('an end that is cut inside a line that counted is no crash', async () => {
  const disk = await ledgerOf(3)
  const text = await read(disk)
  await write(disk, text.slice(0, -10))
  expect((await readLedger(disk, file)).problem?.line).toBe(3)

  await openLedger(disk).append(header, remark('goes on'))
  const { problem } = await readLedger(disk, file)
  expect(problem).toEqual({ line: 3, reason: expect.stringContaining('head at line 3') })
})

test('an append after lines were lost leaves a trace that stays', async () => {
  const disk = await ledgerOf(4)
  const kept = (await read(disk)).split('\n').slice(0, 2)
  await write(disk, `${kept.join('\n')}\n`)
  const ledger = openLedger(disk)
  await ledger.append(header, remark('one'))
  await ledger.append(header, remark('two'))
  expect((await readLedger(disk, file)).problem).toEqual({
    line: 3,
    reason: 'it records that the ledger ended at line 2 and its head at line 4',
  })
})

test('after any power cut the appended lines are there, and the chain holds', async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer(), fc.integer({ min: 1, max: 4 }), async (seed, count) => {
      const disk = await ledgerOf(count)
      const after = disk.crash(seed)
      const reading = await readLedger(after, file)
      expect(reading.problem).toBeUndefined()
      expect(reading.entries).toHaveLength(count)
    }),
    { numRuns: 40 },
  )
})

test('a crash between a line and its head is no break', async () => {
  const disk = await ledgerOf(2)
  const headBefore = await read(disk, head)
  await openLedger(disk).append(header, remark('third'))
  await write(disk, headBefore, head)
  expect((await readLedger(disk, file)).problem).toBeUndefined()
  await openLedger(disk).append(header, remark('fourth'))
  expect((await readLedger(disk, file)).problem).toBeUndefined()
})

test('an append on a full disk fails and leaves the ledger as it was', async () => {
  const small = new MemoryDisk({ capacityBytes: 4_000 })
  const ledger = openLedger(small)
  await ledger.append(header, remark('fits'))
  const before = await read(small)
  await expect(ledger.append(header, remark('x'.repeat(4_000)))).rejects.toMatchObject({
    code: 'disk-full',
  })
  expect(await read(small)).toBe(before)
  await ledger.append(header, remark('fits again'))
  expect((await readLedger(small, file)).problem).toBeUndefined()
})

test('case 2: a power cut at any call of appends that follow each other leaves a ledger that holds', async () => {
  const random = seededRandom(20261126)
  const append = async (disk: Disk) => {
    const clock = manualClock()
    const ledger = new Ledger(file, { disk, clock, timer: manualTimer(clock) })
    // more than a sector: any part of a line may be lost, its end may be there
    for (let i = 0; i < 3; i++) await ledger.append(header, remark('x'.repeat(900)))
  }
  let cuts = 0
  for (let at = 1; ; at++) {
    let disk = new MemoryDisk()
    // the second one dies too, while it says what the first one left
    for (const call of [at, 1 + (at % 20)]) {
      const dying = new FaultyDisk(disk, {
        at: call,
        times: Number.POSITIVE_INFINITY,
        errno: 'EIO',
      })
      await append(dying).catch(() => {})
      if (dying.hits === 0) {
        expect(cuts).toBeGreaterThan(50)
        return
      }
      cuts += 1
      disk = disk.crash(random.integer(2 ** 31))
      if ((await disk.stat(`${file}.lock/LOCK`)) !== undefined)
        await breakLock(disk, `${file}.lock`)
      expect((await readLedger(disk, file)).problem).toBeUndefined()
    }
    await append(disk)
    expect((await readLedger(disk, file)).problem).toBeUndefined()
  }
})

test.each([1, 2])('lines of version %i are read, and new ones follow them', async (version) => {
  const disk = new MemoryDisk()
  const first = canonicalJson({
    ...{ ...header, ledger: version, line: 1, previous: '0'.repeat(64) },
    at: '2026-01-01T00:00:00.000Z',
    ...{ kind: 'run-started', sequence: { kind: 'drill', name: 'd' }, proves: ['rto'] },
    ...{ planFile: 'p.yaml', version: '0.1.0' },
  })
  await disk.makeDirectory('/plans/.vectra-dr')
  const handle = await disk.open(file, 'create')
  await handle.write(Buffer.from(`${first}\n`), 0)
  await handle.close()
  await openLedger(disk).append(header, remark('on'))
  const { problem, entries } = await readLedger(disk, file)
  expect(problem).toBeUndefined()
  expect(entries.map(({ ledger, kind }) => `${ledger} ${kind}`)).toEqual([
    `${version} run-started`,
    '3 remark',
    '3 remark',
  ])
  expect(pastRuns('test', entries)[0]).toMatchObject({ dueAt: Date.UTC(2026, 0, 1) })
})

test('a newer version of the format is refused with a hint to upgrade', async () => {
  const disk = await ledgerOf(1)
  await write(disk, (await read(disk)).replace('"ledger":3', '"ledger":5'))
  await expect(readLedger(disk, file)).rejects.toMatchObject({
    code: 'newer-format',
    hint: expect.stringContaining('Upgrade'),
  })
})

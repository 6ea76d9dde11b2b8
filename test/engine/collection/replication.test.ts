/** What a standby takes from its primary, and what it refuses. */
import { expect, test } from 'vitest'
import type { Collection } from '../../../engine/collection/collection.ts'
import { ReplicaWorld, replicated } from '../../support/replica-world.ts'
import { seededRandom } from '../../support/seeded-random.ts'

/** A primary with ten records, a standby that is cut off before them, and the records one by one. */
async function cutOff() {
  const world = new ReplicaWorld(seededRandom(1), ['n1', 'n2'])
  await world.build('async', 'async')
  await world.timer.pass(500)
  world.cutLink('n1', 'n2', true)
  const primary = await world.collection('n1')
  const standby = await world.collection('n2')
  const records: Buffer[] = []
  const reader = primary.replication.reader()
  for (let id = 0; id < 10; id++) {
    const after = primary.replication.durable
    await world.ends(primary.upsert([{ id, vector: [id, 1] }]))
    const reading = await reader.read(after, 1)
    if (reading.kind !== 'records') throw new Error(reading.kind)
    records.push(reading.bytes)
  }
  const { epoch } = primary
  const take = (...parts: Buffer[]) =>
    standby.replication.follow({ epoch, bytes: Buffer.concat(parts) })
  return { world, primary, standby, records, take }
}

const stateOf = ({ lsn, digest, count }: Collection) => ({ lsn, digest, count })

test('case 62: the same batch, a hundred times, changes nothing', async () => {
  const { primary, standby, records, take } = await cutOff()
  for (let time = 0; time < 100; time++) await take(...records)
  expect(stateOf(standby)).toEqual(stateOf(primary))
})

test('case 63: a gap is refused, an overlap is taken once, and order comes back', async () => {
  const { primary, standby, records, take } = await cutOff()
  await take(...records.slice(0, 3))
  await expect(take(...records.slice(5))).rejects.toMatchObject({
    code: 'log-gap',
    place: { lsn: 4 },
  })
  await expect(
    take(records[4] ?? Buffer.alloc(0), records[3] ?? Buffer.alloc(0)),
  ).rejects.toMatchObject({ code: 'log-gap' })
  expect(standby.lsn).toBe(3)
  await take(...records.slice(1, 6))
  await take(...records.slice(4))
  expect(stateOf(standby)).toEqual(stateOf(primary))
})

test('case 64: another record under an LSN that is here is a divergence, and nothing of it is taken', async () => {
  const one = await cutOff()
  await one.take(...one.records)
  const before = stateOf(one.standby)
  // the same collection and epoch, and another tenth record: as a primary would have that lost its disk
  const other = Buffer.from(one.records[9] ?? Buffer.alloc(0))
  const { crc32 } = await import('../../../engine/base/checksum.ts')
  other.writeUInt8(other.readUInt8(other.length - 3) ^ 1, other.length - 3)
  other.writeUInt32LE(crc32(other.subarray(64)), 8)
  other.writeUInt32LE(crc32(other.subarray(4, 64)), 0)
  await expect(one.take(other)).rejects.toMatchObject({ code: 'divergence', place: { lsn: 10 } })
  expect(stateOf(one.standby)).toEqual(before)
})

test('case 65: every flipped bit and every cut of a batch is refused before anything of it is applied', async () => {
  const { standby, records, take } = await cutOff()
  const [first = Buffer.alloc(0)] = records
  for (let bit = 0; bit < first.length * 8; bit++) {
    const damaged = Buffer.from(first)
    damaged.writeUInt8(damaged.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3)
    await expect(take(damaged), `bit ${bit}`).rejects.toMatchObject({
      code: expect.stringMatching(/damaged|divergence/),
    })
  }
  for (let length = 1; length < first.length; length++) {
    await expect(take(first.subarray(0, length)), `${length} bytes`).rejects.toMatchObject({
      code: 'damaged',
    })
  }
  expect(standby.lsn).toBe(0)
})

test('a standby refuses writes with the address of its primary, and answers searches', async () => {
  const { standby, records, take } = await cutOff()
  await take(...records)
  await expect(standby.upsert([{ id: 99, vector: [1, 1] }])).rejects.toMatchObject({
    code: 'not-primary',
    message: expect.stringContaining('sim://n1'),
  })
  const [nearest] = await standby.search([4, 1], { k: 1 })
  expect(nearest?.id).toBe(4)
})

test('a record of a lower epoch is refused once a newer one was promised', async () => {
  const { world, standby, records, take } = await cutOff()
  const node = world.of('n2').address
  await standby.replication.promise({ number: 2, history: 'f'.repeat(16), node }, 'n2')
  await expect(take(...records)).rejects.toMatchObject({ code: 'fenced' })
  expect(standby.lsn).toBe(0)
})

test('case 71: a standby at the LSN of its primary has its very files', async () => {
  const { world, primary, standby, records, take } = await cutOff()
  await take(...records)
  await primary.checkpoint()
  await standby.checkpoint()
  const filesOf = async (name: string, { replication }: Collection) => {
    const { disk } = world.of(name)
    const files: Record<string, string> = {}
    for (const each of await disk.list(`${replication.directory}/segments`)) {
      files[each] = (
        await disk.readFile(`${replication.directory}/segments/${each}`, 2 ** 20)
      ).toString('hex')
    }
    return files
  }
  const own = await filesOf('n1', primary)
  expect(Object.keys(own).length).toBeGreaterThan(1)
  expect(await filesOf('n2', standby)).toEqual(own)
  expect(standby.manifest.segments).toEqual(primary.manifest.segments)
  expect(replicated).toBe(standby.name)
})

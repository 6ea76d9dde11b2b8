import { beforeEach, describe, expect, it } from 'vitest'
import { DirectoryDestination } from '../../../engine/destination/directory.ts'
import { MemoryDestination } from '../../../engine/destination/memory.ts'
import { addKey, listKeys, removeKey } from '../../../engine/repository/key-ring.ts'
import { Repository } from '../../../engine/repository/repository.ts'
import { RepositoryKey } from '../../../engine/repository/repository-key.ts'
import { killAtEveryCall } from '../../support/faulty-disk.ts'
import { manualClock } from '../../support/manual-clock.ts'
import { MemoryDisk } from '../../support/memory-disk.ts'
import { seededRandom } from '../../support/seeded-random.ts'

const clock = manualClock()
const random = seededRandom(3)
const makeKey = () => new RepositoryKey(random.bytes(32).toString('hex'))
const [first, second, third, foreign] = [makeKey(), makeKey(), makeKey(), makeKey()]
const content = Buffer.from('a piece')
const sha256 = 'ab'.repeat(32)

const make = async (destination: MemoryDestination | DirectoryDestination) => {
  const repository = await Repository.openOrCreate(destination, clock, { keys: [first] })
  await repository.putObject(sha256, content, false)
  await repository.destination.flush()
}

const opens = async (
  destination: MemoryDestination | DirectoryDestination,
  key: RepositoryKey,
): Promise<boolean> => {
  const repository = await Repository.open(destination, { keys: [key] }).catch(() => undefined)
  if (repository === undefined) return false
  const target = Buffer.alloc(content.length)
  const got = await repository.getObject(sha256, target)
  expect(got).toMatchObject({ authentic: true, sizeBytes: content.length })
  return target.equals(content)
}

let destination: MemoryDestination
beforeEach(async () => {
  destination = new MemoryDestination()
  await make(destination)
})

const labels = (ring: { keys: readonly { label: string }[] }) => ring.keys.map((key) => key.label)

describe('the keys of a repository', () => {
  it('are added and removed without touching what is stored', async () => {
    const key = (await Repository.open(destination, { keys: [first] })).objectKey(sha256)
    const before = Buffer.alloc(200)
    await destination.get(key, before)
    const added = await addKey({ destination, keys: [first] }, second, 'vault', clock)
    expect(labels(added)).toEqual(['first', 'vault'])
    expect([await opens(destination, first), await opens(destination, second)]).toEqual([
      true,
      true,
    ])
    expect(await opens(destination, foreign)).toBe(false)
    const removed = await removeKey({ destination, keys: [second] }, 'first', clock)
    expect(removed.keys).toMatchObject([{ label: 'vault', kind: 'random', given: true }])
    expect([await opens(destination, first), await opens(destination, second)]).toEqual([
      false,
      true,
    ])
    const after = Buffer.alloc(200)
    await destination.get(key, after)
    expect(after.equals(before)).toBe(true)
  })

  it('are listed without a key, and with one it is said which it is', async () => {
    await addKey({ destination, keys: [first] }, second, 'vault', clock)
    const given = async (keys: readonly RepositoryKey[]) =>
      (await listKeys({ destination, keys })).keys.map((key) => key.given)
    expect(await given([])).toEqual([false, false])
    expect(await given([second])).toEqual([false, true])
    expect(await given([first, second])).toEqual([true, true])
    await expect(given([foreign])).rejects.toMatchObject({ code: 'key-refused', exitCode: 17 })
  })

  it('never lose the last one, or the last that somebody is known to hold', async () => {
    const refused = { code: 'usage' }
    await expect(removeKey({ destination, keys: [first] }, 'first', clock)).rejects.toMatchObject(
      refused,
    )
    await addKey({ destination, keys: [first] }, second, 'vault', clock)
    await expect(removeKey({ destination, keys: [first] }, 'first', clock)).rejects.toMatchObject(
      refused,
    )
    await expect(removeKey({ destination, keys: [foreign] }, 'first', clock)).rejects.toMatchObject(
      {
        code: 'key-refused',
      },
    )
    await expect(removeKey({ destination, keys: [first] }, 'nobody', clock)).rejects.toMatchObject({
      code: 'name-not-found',
    })
    expect(labels(await listKeys({ destination, keys: [] }))).toEqual(['first', 'vault'])
  })

  it('refuse a label or a key twice, and a label that is no name', async () => {
    const change = { destination, keys: [first] }
    const refused = { code: 'usage' }
    await expect(addKey(change, second, 'first', clock)).rejects.toMatchObject(refused)
    await expect(addKey(change, first, 'again', clock)).rejects.toMatchObject(refused)
    await expect(addKey(change, second, '../x', clock)).rejects.toMatchObject(refused)
    await expect(
      addKey({ destination, keys: [foreign] }, second, 'x', clock),
    ).rejects.toMatchObject({ code: 'key-refused' })
  })

  it('are not there in a plain repository', async () => {
    const plain = new MemoryDestination()
    await Repository.openOrCreate(plain, clock)
    await expect(listKeys({ destination: plain, keys: [] })).rejects.toMatchObject({
      code: 'key-refused',
    })
    await expect(
      addKey({ destination: new MemoryDestination(), keys: [first] }, second, 'x', clock),
    ).rejects.toMatchObject({ code: 'repository-not-found' })
  })
})

it('case 2: a power cut at any call of adding or removing a key leaves one that opens the repository', async () => {
  const root = '/repository'
  let survivors = 0
  const points = await killAtEveryCall({
    prepare: async () => {
      const disk = new MemoryDisk()
      await make(new DirectoryDestination(disk, root))
      return disk
    },
    work: async (disk) => {
      const place = new DirectoryDestination(disk, root)
      await addKey({ destination: place, keys: [first] }, second, 'second', clock)
      await addKey({ destination: place, keys: [first] }, third, 'third', clock)
      await removeKey({ destination: place, keys: [third] }, 'first', clock)
    },
    check: async ({ disk, survived, lost }) => {
      for (let seed = 0; seed < 10; seed++) {
        const place = new DirectoryDestination(disk.crash(1000 * survived + seed), root)
        const usable = [
          await opens(place, first),
          await opens(place, second),
          await opens(place, third),
        ]
        // nobody but the holders of `first` and `third` was asked to keep their key
        expect(usable[0] || usable[2], `seed ${seed}, before ${lost.call} ${lost.path}`).toBe(true)
        survivors++
      }
    },
  })
  console.log(`changes of keys: killed at ${points} calls, ${survivors} power cuts`)
})

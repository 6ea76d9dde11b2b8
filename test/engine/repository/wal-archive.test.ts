import { describe, expect, it } from 'vitest'
import { MemoryDestination } from '../../../engine/destination/memory.ts'
import { Repository } from '../../../engine/repository/repository.ts'
import { archiveKey, listArchive, parseArchiveKey } from '../../../engine/repository/wal-archive.ts'
import { manualClock } from '../../support/manual-clock.ts'

const uuid = '5d9ee454-b8d6-452d-ba2a-69bfa0f3a4eb'
const history = '0123456789abcdef'
const name = (firstLsn: number, lastLsn: number, number = 1) => ({
  identity: { uuid, epoch: { number, history } },
  firstLsn,
  lastLsn,
})

describe('the name of an archived file', () => {
  it('reads back, and sorts as the records do', () => {
    const names = [
      name(1, 9),
      name(10, 99),
      name(100, 1_000),
      name(1, 2, 2),
      name(3, 4, 4_294_967_295),
    ]
    expect(names.map((each) => parseArchiveKey(archiveKey(each)))).toEqual(names)
    const keys = names.slice(0, 3).map(archiveKey)
    expect([...keys].sort()).toEqual(keys)
  })

  it('case 83: is refused when the product cannot have written it', () => {
    const good = archiveKey(name(1, 9))
    const bad = [
      good.replace(uuid, '..'),
      good.replace(uuid, uuid.toUpperCase()),
      good.replace('000001-', '1-'),
      good.replace('000001-', '0000001-'),
      good.replace(history, '../../etc/passwd'),
      good.replace('.wal', '.wal.tmp'),
      good.replace('0000000000000001-', '1-'),
      archiveKey(name(9, 1)),
      archiveKey(name(0, 1)),
      good.replace('0000000000000009', '9999999999999999'),
      `${good}/x`,
      `x/${good}`,
    ]
    for (const key of bad) expect(parseArchiveKey(key), key).toBeUndefined()
  })
})

describe('a listing', () => {
  it('finds the files of one history, and names what the product did not write', async () => {
    const destination = new MemoryDestination()
    const repository = await Repository.openOrCreate(destination, manualClock())
    const other = { ...name(1, 2), identity: { uuid, epoch: { number: 2, history } } }
    for (const each of [name(3, 9), name(1, 2), other])
      await destination.put(archiveKey(each), Buffer.from('x'))
    const stranger = `${archiveKey(name(1, 2))}.bak`
    await destination.put(stranger, Buffer.from('x'))
    expect(await listArchive(repository, { uuid, epoch: { number: 1, history } })).toEqual({
      files: [name(1, 2), name(3, 9)],
      strangers: [stranger],
    })
    expect((await listArchive(repository)).files).toHaveLength(3)
    expect(
      (await listArchive(repository, { uuid: 'e1e49202-68fa-47c6-bc6a-07c37495bd8b' })).files,
    ).toEqual([])
  })
})

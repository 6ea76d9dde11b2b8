import { describe } from 'vitest'
import { systemClock } from '../../engine/base/clock.ts'
import { nodeDisk } from '../../engine/base/disk.ts'
import { DirectoryDestination } from '../../engine/destination/directory.ts'
import { MemoryDestination } from '../../engine/destination/memory.ts'
import { MemoryDisk } from '../support/memory-disk.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { destinationConformance } from './destination.ts'
import { lockConformance, lockRefusals } from './destination-locks.ts'

describe('a directory', () => {
  lockRefusals(async () => new DirectoryDestination(nodeDisk, await temporaryDirectory()))
  destinationConformance(async () => {
    const root = await temporaryDirectory()
    return () => new DirectoryDestination(nodeDisk, root)
  })
})

describe('a directory that does not exist yet, with a space in its name', () => {
  destinationConformance(async () => {
    const root = `${await temporaryDirectory()}/new directory/ünder`
    return () => new DirectoryDestination(nodeDisk, root)
  })
})

describe('a directory on the disk in memory', () => {
  destinationConformance(async () => {
    const disk = new MemoryDisk()
    return () => new DirectoryDestination(disk, '/backup')
  })
})

describe('memory', () => {
  lockRefusals(async () => new MemoryDestination())
  destinationConformance(async () => {
    const memory = new MemoryDestination()
    return () => memory
  })
})

describe('memory with object locks', () => {
  lockConformance(async () => new MemoryDestination('memory', systemClock), systemClock)
})

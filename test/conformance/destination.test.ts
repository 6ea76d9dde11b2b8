import { describe } from 'vitest'
import { nodeDisk } from '../../engine/base/disk.ts'
import { DirectoryDestination } from '../../engine/destination/directory.ts'
import { MemoryDestination } from '../../engine/destination/memory.ts'
import { MemoryDisk } from '../support/memory-disk.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { destinationConformance } from './destination.ts'

describe('a directory', () => {
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
  destinationConformance(async () => {
    const memory = new MemoryDestination()
    return () => memory
  })
})

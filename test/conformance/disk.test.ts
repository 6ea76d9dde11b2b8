import { describe } from 'vitest'
import { nodeDisk } from '../../engine/base/disk.ts'
import { FaultyDisk } from '../support/faulty-disk.ts'
import { MemoryDisk } from '../support/memory-disk.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { diskConformance } from './disk.ts'

describe('the disk of node', () => {
  diskConformance(async () => ({ disk: nodeDisk, root: await temporaryDirectory() }))
})

describe('a faulty disk without faults', () => {
  diskConformance(async () => ({
    disk: new FaultyDisk(nodeDisk),
    root: await temporaryDirectory(),
  }))
})

describe('the disk in memory', () => {
  diskConformance(async () => {
    const disk = new MemoryDisk()
    await disk.makeDirectory('/data')
    return { disk, root: '/data' }
  })
})

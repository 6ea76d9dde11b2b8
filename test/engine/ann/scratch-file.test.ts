import { readdir, writeFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { ScratchFiles, withScratchFile } from '../../../engine/ann/scratch-file.ts'
import { temporaryDirectory } from '../../support/temporary-directory.ts'

test('a scratch file is gone when its work is done, and when it failed', async () => {
  const directory = await temporaryDirectory()
  expect(await withScratchFile(directory, async (file) => writeFile(file, 'bytes'))).toBeUndefined()
  const failing = withScratchFile(directory, async (file) => {
    await writeFile(file, 'bytes')
    throw new Error('planned')
  })
  await expect(failing).rejects.toThrow('planned')
  expect(await readdir(directory)).toEqual([])
})

test('a scratch file is used again while another one is in use, never by two at once', async () => {
  const directory = await temporaryDirectory()
  const files = new ScratchFiles()
  let end = () => {}
  const ended = new Promise<void>((resolve) => {
    end = resolve
  })
  const long = files.use(directory, async (file) => {
    await ended
    return file
  })
  const failing = files.use(directory, async () => {
    throw new Error('planned')
  })
  await expect(failing).rejects.toThrow('planned')
  const second = await files.use(directory, async (file) => file)
  const third = await files.use(directory, async (file) => {
    expect(files.inUse).toBe(2)
    return file
  })
  expect(third).toBe(second)
  expect(await readdir(directory)).toHaveLength(2)
  end()
  expect(await long).not.toBe(second)
  expect(await readdir(directory)).toEqual([])
})

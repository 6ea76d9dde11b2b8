import { execFileSync } from 'node:child_process'
import { closeSync, constants, openSync } from 'node:fs'
import * as fs from 'node:fs/promises'
import * as path from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { BlockingFile } from '../../../engine/base/blocking-file.ts'
import { OperatingError } from '../../../engine/base/errors.ts'
import { temporaryDirectory } from '../../support/temporary-directory.ts'

test('reads what is there, less at the end of the file, nothing behind it', async () => {
  const file = path.join(await temporaryDirectory(), 'file')
  await fs.writeFile(file, 'abcdefgh')
  const opened = BlockingFile.open(file, 'read')
  const target = Buffer.alloc(4, '.')
  expect([opened.read(target, 2), target.toString()]).toEqual([4, 'cdef'])
  expect([opened.read(target, 6), target.toString()]).toEqual([2, 'ghef'])
  expect(opened.read(target, 8)).toBe(0)
  opened.close()
})

test('writes anywhere into a file that stands there', async () => {
  const file = path.join(await temporaryDirectory(), 'file')
  await fs.writeFile(file, 'abcdefgh')
  const opened = BlockingFile.open(file, 'append')
  opened.write(Buffer.from('XY'), 6)
  opened.write(Buffer.from('Z'), 10)
  opened.close()
  expect(await fs.readFile(file, 'latin1')).toBe('abcdefXY\0\0Z')
})

test('case 84: a link, a pipe and a directory are refused, and nothing waits', async () => {
  const root = await temporaryDirectory()
  const [victim, link, pipe] = ['victim', 'link', 'pipe'].map((name) => path.join(root, name))
  await fs.writeFile(victim ?? '', 'untouched')
  await fs.symlink(victim ?? '', link ?? '')
  execFileSync('mkfifo', [pipe ?? ''])
  onTestFinished(() => closeSync(openSync(pipe ?? '', constants.O_RDWR | constants.O_NONBLOCK)))
  for (const file of [link, pipe, root]) {
    expect(() => BlockingFile.open(file ?? '', 'read')).toThrow(OperatingError)
  }
  expect(() => BlockingFile.open(link ?? '', 'append')).toThrow(OperatingError)
  expect(await fs.readFile(victim ?? '', 'utf8')).toBe('untouched')
})

test('case 27: a file that is not there is not found; writing to one opened to be read is an error', async () => {
  const root = await temporaryDirectory()
  const missing = path.join(root, 'missing')
  expect(() => BlockingFile.open(missing, 'read')).toThrow(
    expect.objectContaining({ code: 'file-not-found', place: { file: missing } }),
  )
  const file = path.join(root, 'file')
  await fs.writeFile(file, 'abc')
  const opened = BlockingFile.open(file, 'read')
  expect(() => opened.write(Buffer.from('x'), 0)).toThrow(
    expect.objectContaining({ code: 'disk-error', place: { file } }),
  )
  opened.close()
})

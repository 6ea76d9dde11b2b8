import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { temporaryDirectory } from '../../support/temporary-directory.ts'
import { runCli } from './run-cli.ts'

test('case 16: damage is told with what mends it, and a segment comes back from a repository', async () => {
  const root = await temporaryDirectory()
  const at = (name: string) => join(root, name)
  const cli = (...argv: string[]) => runCli(argv, { env: { VECTRA_DATA: at('data') } })
  await cli('collections', 'create', 'pets', '--dimension', '2', '--index', 'flat')
  await cli('collections', 'upsert', 'pets', '--id', 'cat', '--vector', '[1,2]')
  await cli('collections', 'checkpoint', 'pets')
  await cli('collections', 'backup', 'pets', '--destination', at('copies'), '--snapshot-id', 'one')
  const files = await readdir(at('data'), { recursive: true })
  const points = at(join('data', files.find((each) => each.endsWith('.points')) ?? ''))
  const whole = await readFile(points)
  const rotten = Buffer.from(whole)
  rotten.writeUInt8(rotten.readUInt8(rotten.length - 1) ^ 1, rotten.length - 1)
  await writeFile(points, rotten)
  const damaged = await cli('collections', 'count', 'pets')
  expect([damaged.exitCode, damaged.stderr]).toEqual([13, expect.stringContaining(points)])
  expect(damaged.stderr).toContain('collections repair NAME --segments --source URL')
  const alone = await cli('collections', 'repair', 'pets', '--segments')
  expect([alone.exitCode, alone.stderr]).toEqual([
    13,
    expect.stringContaining('there is no other copy to ask'),
  ])
  const mended = await cli('collections', 'repair', 'pets', '--segments', '--source', at('copies'))
  expect([mended.exitCode, mended.stderr]).toEqual([0, ''])
  expect(mended.stdout).toMatch(
    /^segments\/00000001\.points: 1 piece fetched from file:.*copies\npets is whole again: 1 point, digest [0-9a-f]{64} computed from every stored byte\n$/,
  )
  expect(await readFile(points)).toEqual(whole)
  const again = await cli('collections', 'repair', 'pets', '--segments')
  expect(again.stdout).toMatch(/^no data file of pets is damaged: 1 point/)
})

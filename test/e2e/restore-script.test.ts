/** The restore test that an operator runs from cron: a bash script over the built command. */
import { existsSync } from 'node:fs'
import { cp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { suiteDirectory } from '../support/temporary-directory.ts'
import { bash, binDirectory, type ShellRun, scriptEnvironment } from './vectra-cli.ts'

const suite = suiteDirectory()
let env: Record<string, string>
const sh = (script: string): Promise<ShellRun> => bash(script, { cwd: suite.path, env })

/** Restores beside the live collection, counts, says how it went, and cleans up. */
const restoreScript = (backupPath: string) => `#!/bin/bash
BACKUP_PATH="${backupPath}"
RESTORE_COLLECTION="products_restored_test"

echo "Restoring products from \${BACKUP_PATH} as \${RESTORE_COLLECTION}"
vectra-cli collections restore products \\
  --source "\${BACKUP_PATH}" \\
  --new-collection-name "\${RESTORE_COLLECTION}" \\
  --wait

if [ $? -ne 0 ]; then
  echo "ERROR: the restore failed"
  exit 1
fi

COUNT=$(vectra-cli collections count products_restored_test 2>/dev/null)
echo "Restored collection has $COUNT points."

vectra-cli collections drop products_restored_test
echo "Restore test passed."
`

const points = 2_000

const products = Array.from({ length: points }, (_, index) => {
  const vector = [Math.sin(index), Math.cos(index), index / points]
  return `${JSON.stringify({ id: `sku-${index}`, vector, metadata: { shelf: index % 7 } })}\n`
}).join('')

const destination = () => join(suite.path, 'backups/vectra/products_full_20231027')
const sound = () => join(suite.path, 'sound-backup')

/** A backup that was verified; each test has a copy of it to itself. */
beforeAll(async () => {
  env = scriptEnvironment(await binDirectory(suite.path), join(suite.path, 'vectra-data'))
  await writeFile(join(suite.path, 'products.jsonl'), products)
  const made = await sh('vectra-cli collections import products products.jsonl')
  expect(made.exitCode).toBe(0)
  const backup = `vectra-cli collections backup products --destination ${destination()} --snapshot-id products_20231027_1000 --wait`
  const verify = `vectra-cli collections backup verify --source ${destination()}`
  for (const command of [backup, verify]) {
    const { exitCode, stderr } = await sh(command)
    expect([exitCode, stderr]).toEqual([0, ''])
  }
  await cp(destination(), sound(), { recursive: true })
})

beforeEach(async () => {
  await rm(destination(), { recursive: true, force: true })
  await cp(sound(), destination(), { recursive: true })
})

const collections = async () => (await sh('vectra-cli collections list --json')).stdout

describe('the restore script', () => {
  it('restores beside the live collection, counts, and drops the copy', async () => {
    const before = await collections()
    const { exitCode, stdout, stderr } = await sh(restoreScript(destination()))
    expect([exitCode, stderr]).toEqual([0, ''])
    expect(stdout).toContain(`Restored collection has ${points} points.\n`)
    expect(stdout).toContain('dropped collection products_restored_test\nRestore test passed.')
    expect(await collections()).toBe(before)
  })

  it('takes its failing branch when the source is missing, and leaves nothing', async () => {
    const before = await collections()
    const { exitCode, stdout, stderr } = await sh(restoreScript('/nowhere/products_full'))
    expect(exitCode).toBe(1)
    expect(stdout).toMatch(/ERROR: the restore failed$/)
    expect(stderr).toMatch(/^error: there is no repository at .*\nhint: .+$/)
    expect(await collections()).toBe(before)
    expect(existsSync('/nowhere')).toBe(false)
  })

  it('takes its failing branch when the backup is damaged, and leaves nothing', async () => {
    const before = await collections()
    await damageEveryObject()
    const { exitCode, stdout, stderr } = await sh(restoreScript(destination()))
    expect(exitCode).toBe(1)
    expect(stdout).toMatch(/ERROR: the restore failed$/)
    expect(stderr).toMatch(/^error: .*damaged.*\nhint: .+$/)
    expect(await collections()).toBe(before)
    const verified = await sh(`vectra-cli collections backup verify --source ${destination()}`)
    expect(verified.exitCode).toBe(13)
  })

  it('has exit codes that tell a missing source, damage and a missing collection apart', async () => {
    const restore = (source: string) =>
      sh(
        `vectra-cli collections restore products --source ${source} --new-collection-name t --wait`,
      )
    expect((await restore('/nowhere')).exitCode).toBe(14)
    await damageEveryObject()
    expect((await restore(destination())).exitCode).toBe(13)
    const count = await sh('vectra-cli collections count products_restored_test 2>/dev/null')
    expect([count.exitCode, count.stdout]).toEqual([14, ''])
  })
})

describe('the disaster', () => {
  it('is undone: the dropped collection comes back and answers as before', async () => {
    const ask = 'vectra-cli search products --like sku-17 -k 5'
    const before = await sh(ask)
    expect(before.stdout.split('\n').length).toBe(6)
    expect((await sh('vectra-cli collections drop products')).exitCode).toBe(0)
    expect((await sh('vectra-cli collections count products')).exitCode).toBe(14)
    const restored = await sh(
      `vectra-cli collections restore products --source ${destination()} --wait`,
    )
    expect([restored.exitCode, restored.stderr]).toEqual([0, ''])
    expect(restored.stdout).toContain('digest proven, index kept')
    expect((await sh(ask)).stdout).toBe(before.stdout)
    expect((await sh('vectra-cli collections count products')).stdout).toBe(`${points}`)
  })
})

/** One bit in each object. */
async function damageEveryObject(): Promise<void> {
  const root = join(destination(), 'objects')
  for (const entry of await readdir(root, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue
    const file = join(entry.parentPath, entry.name)
    const bytes = await readFile(file)
    bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 1
    await writeFile(file, bytes)
  }
}

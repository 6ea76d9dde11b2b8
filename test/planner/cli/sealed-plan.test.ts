import { readdir, readFile, writeFile } from 'node:fs/promises'
import * as path from 'node:path'
import { describe, expect, test } from 'vitest'
import { nodeDisk } from '../../../engine/index.ts'
import {
  generateRepositoryKey,
  generateSigningKey,
} from '../../../engine/repository/generate-key.ts'
import { type CommandResult, dr, smallPlan } from '../../support/dr-command.ts'

const key = 'Canary4f1b7c9e'.padEnd(43, 'x')

/** The plan with what goes beside the URL of its destination. */
const planWith = (more: string, change: (text: string) => string = (text) => text) =>
  smallPlan((text) => change(text.replace('url: ./backups }', `url: ./backups, ${more} }`)))

const runWith = (env: Record<string, string>, ...argv: string[]): Promise<CommandResult> =>
  dr(argv, { env: { PATH: process.env['PATH'], ...env } })

async function filesBelow(directory: string): Promise<Map<string, string>> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true })
  const files = new Map<string, string>()
  for (const entry of entries.filter((each) => each.isFile())) {
    const file = path.join(entry.parentPath, entry.name)
    files.set(path.relative(directory, file), (await readFile(file)).toString('latin1'))
  }
  return files
}

const errorsOf = async (state: string): Promise<unknown[]> =>
  (await readFile(path.join(state, 'ledger.jsonl'), 'utf8'))
    .trimEnd()
    .split('\n')
    .flatMap((line) => JSON.parse(line).record?.error?.code ?? [])

describe('a plan with an encrypted destination', () => {
  test('runs with the key from the environment, a file or a command, and signs and trusts', async () => {
    const keys = {
      env: 'key: "${env.BACKUP_KEY}"',
      file: 'keyFile: ./backup.key',
      command: 'keyCommand: [cat, BACKUP_KEY_FILE]',
    }
    for (const [kind, written] of Object.entries(keys)) {
      const { directory, file } = await planWith('ENCRYPTION')
      const keyFile = path.join(directory, 'backup.key')
      await generateRepositoryKey(keyFile)
      const publicKey = await generateSigningKey(path.join(directory, 'sign.pem'))
      const encryption = written.replace('BACKUP_KEY_FILE', keyFile)
      const signing = `signing: { keyFile: ./sign.pem, trust: ["${publicKey}"] }`
      const text = (await readFile(file, 'utf8')).replace(
        'ENCRYPTION',
        `encryption: { ${encryption} }, ${signing}`,
      )
      await writeFile(file, text)
      const env = { BACKUP_KEY: (await readFile(keyFile, 'utf8')).trim() }
      const result = await runWith(env, 'drill', file, '--yes')
      expect([kind, result.exitCode, result.stderr]).toEqual([
        kind,
        0,
        expect.stringContaining('ok      check'),
      ])
      const repository = await nodeDisk.readFile(
        path.join(directory, 'backups/repository.json'),
        1e6,
      )
      expect(JSON.parse(repository.toString())).toMatchObject({
        version: 2,
        encryption: { cipher: 'aes-256-gcm' },
      })
      const explained = await runWith(env, 'explain', file, '--drill', 'lost')
      expect(explained.stdout).toContain('--sign-key ./sign.pem')
      expect(explained.stdout).toContain(`--trust ${publicKey}`)
      expect(explained.stdout).toContain(kind === 'file' ? '--key-file' : '--key-command')
    }
  })

  test('fails with key-refused and an untouched repository when the key is another one', async () => {
    const { directory, file, state } = await planWith('encryption: { key: "${env.BACKUP_KEY}" }')
    expect(await runWith({ BACKUP_KEY: key }, 'drill', file, '--yes')).toMatchObject({
      exitCode: 0,
    })
    const before = await filesBelow(path.join(directory, 'backups'))
    const wrong = await runWith({ BACKUP_KEY: key.replace('4f', '4e') }, 'drill', file, '--yes')
    expect(wrong.exitCode).toBe(15)
    expect(wrong.stderr).toContain('does not open the repository')
    expect(await errorsOf(state)).toContain('key-refused')
    expect(await filesBelow(path.join(directory, 'backups'))).toEqual(before)
    expect((await runWith({}, 'validate', file)).exitCode).toBe(10)
  })

  test('case 94: a key that is written out is refused, and not shown', async () => {
    for (const written of [
      `key: ${key}`,
      `key: "${key}"`,
      `"key": '${key}'`,
      `key: [${key}]`,
      `key: "x${key} \${env.HOME}"`,
    ]) {
      const { file } = await planWith(`encryption: { ${written} }`)
      const result = await runWith({}, 'validate', file)
      expect(result.exitCode).toBe(10)
      expect(result.stdout + result.stderr).toContain('destinations.backups.encryption.key')
      expect(result.stdout + result.stderr).not.toContain('Canary')
      const json = await runWith({}, 'validate', file, '--json')
      expect(json.exitCode).toBe(10)
      expect(json.stdout + json.stderr).not.toContain('Canary')
    }
  })

  test('case 94: no secret stands in outputs, reports, ledger, artefacts or the repository', async () => {
    const secrets = {
      BACKUP_KEY: key,
      AWS_SECRET_ACCESS_KEY: 'CanaryAws/8sK+2dQ==',
      AWS_SESSION_TOKEN: 'CanarySession&token',
      WEBHOOK: 'https://user:CanaryPass@hooks.example/CanaryPath',
      BEARER: 'Bearer CanaryHeader',
    }
    const { directory, file } = await planWith('encryption: { key: "${env.BACKUP_KEY}" }', (text) =>
      text.replace(
        '    steps:\n      - drop',
        '    steps:\n' +
          '      - exec: { command: [sh, -c, "echo $TOKEN $HOOK; echo $TOKEN >&2", "${env.BEARER}"],' +
          ' env: { TOKEN: "${env.BEARER}", HOOK: "${env.WEBHOOK}" } }\n      - drop',
      ),
    )
    const commands = [
      ['validate', file],
      ['explain', file, '--drill', 'lost'],
      ['drill', file, '--yes'],
      ['drill', file, '--yes', '--json'],
      ['ledger', 'show', file],
      ['audit', file],
      ['audit', file, '--format', 'html'],
    ]
    const texts = new Map<string, string>()
    for (const argv of commands) {
      const { exitCode, stdout, stderr } = await runWith(secrets, ...argv)
      expect([argv[0], exitCode > 3 ? stderr : exitCode]).toEqual([argv[0], exitCode])
      texts.set(argv.join(' '), stdout + stderr)
    }
    // failing says no more than passing
    const failed = await runWith({ ...secrets, BACKUP_KEY: `${key}y` }, 'drill', file, '--yes')
    expect(failed.exitCode).toBe(15)
    texts.set('a failed drill', failed.stdout + failed.stderr)
    for (const [name, text] of await filesBelow(directory)) texts.set(name, text)
    expect(texts.size).toBeGreaterThan(30)
    const needles = Object.values(secrets).flatMap((secret) => {
      const bytes = Buffer.from(secret)
      const forms = [
        secret,
        bytes.toString('base64'),
        bytes.toString('base64url'),
        bytes.toString('hex'),
      ]
      return forms.flatMap((form) => [form, encodeURIComponent(form)])
    })
    for (const [name, text] of texts) {
      for (const needle of ['Canary', ...needles]) {
        expect(text.includes(needle), `${needle} in ${name}`).toBe(false)
      }
    }
  })
})

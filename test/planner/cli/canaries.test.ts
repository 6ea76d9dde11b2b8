/** Values that must show nowhere, and people who must not stand in the record, through everything a plan can do with them. */
import { readdir, readFile } from 'node:fs/promises'
import * as path from 'node:path'
import { afterAll, expect, test, vi } from 'vitest'
import { type CommandResult, dr, smallPlan } from '../../support/dr-command.ts'
import { startObjectStore } from '../../support/object-store.ts'
import { webServer } from '../../support/web-server.ts'

afterAll(() => vi.unstubAllEnvs())

/** Each is looked for whole, and for how it begins. */
const secrets = {
  TOKEN: 'CanaryToken-9/+?=&"x',
  BEARER: 'CanaryBearer\\u00e9 é',
  CDN_PASSWORD: 'CanaryPassword',
  CHAT_HOOK_PATH: 'CanaryHookPath',
  AWS_ACCESS_KEY_ID: 'CANARYKEYID00001',
  AWS_SECRET_ACCESS_KEY: 'CanaryAws/8sK+2dQ==',
  AWS_SESSION_TOKEN: 'CanarySession+token/1',
}
const people = {
  name: 'Carla Canaria',
  phone: '+41 79 555 01 23',
  email: 'carla.canaria@example.com',
}

/** Prints a value in every way that a careless program might. */
const careless = `
const all = [process.env.TOKEN, process.argv[1]]
for (const value of all) {
  const bytes = Buffer.from(value)
  console.log(value, encodeURIComponent(value), JSON.stringify(value), bytes.toString('hex'))
  console.error(bytes.toString('base64'), bytes.toString('base64url'), bytes.toString('hex').toUpperCase())
  for (const user of ['a:', 'ab:', 'abc:']) {
    console.log('Authorization: Basic ' + Buffer.from(user + value + ':z').toString('base64'))
  }
}
process.exit(Number(process.argv[2]))`

const steps = (port: number, code: number, status: number): string => `
      - exec: { command: [node, -e, ${JSON.stringify(careless)}, "\${env.BEARER}", "${code}"], env: { TOKEN: "\${env.TOKEN}" } }
        onFailure: continue
      - http: { method: POST, url: "http://127.0.0.1:${port}/purge?key=\${env.TOKEN}", headers: { authorization: "Basic \${env.CDN_PASSWORD}" }, body: "\${env.TOKEN}", expect: { status: ${status} } }
        onFailure: continue
      - notify: { channel: chat, message: "for ${people.name}, ${people.phone}: \${env.TOKEN}" }
        onFailure: continue
`

async function canaryPlan() {
  const store = await startObjectStore()
  store.keys.set(secrets.AWS_ACCESS_KEY_ID, {
    secret: secrets.AWS_SECRET_ACCESS_KEY,
    sessionToken: secrets.AWS_SESSION_TOKEN,
  })
  for (const name of Object.keys(secrets).filter((each) => each.startsWith('AWS_'))) {
    vi.stubEnv(name, secrets[name as keyof typeof secrets])
  }
  // answers with whatever it was sent, as a gateway in debug mode does
  const echo = await webServer((response, { headers, body, url }) => {
    response.statusCode = 200
    response.setHeader('x-echo', encodeURIComponent(JSON.stringify(headers)).slice(0, 2_000))
    response.end(`${url} ${JSON.stringify(headers)} ${body}`)
  })
  const bucket = store.newBucket()
  const plan = await smallPlan((text) =>
    text
      .replace(
        'schedules:',
        `  offsite: { url: "s3://${bucket}/vectra", endpoint: "\${env.S3_ENDPOINT}" }
  nowhere: { url: "s3://nowhere/vectra", endpoint: "\${env.S3_ENDPOINT}" }
people:
  roles: { lead: { primary: lead-1 } }
  contacts: { lead-1: { name: ${people.name}, phone: "${people.phone}", email: ${people.email} } }
channels:
  chat: { webhook: "http://127.0.0.1:${echo.port}/\${env.CHAT_HOOK_PATH}", allowPrivate: true }
schedules:
  passing:
    cron: "0 3 * * *"
    steps:
      - copy: { from: backups, to: offsite, collection: points }${steps(echo.port, 0, 200)}
  failing:
    cron: "0 4 * * *"
    steps:
      - copy: { from: backups, to: nowhere, collection: points }
        onFailure: continue${steps(echo.port, 7, 204)}`,
      )
      .replace(
        'drills:',
        `procedures:
  call:
    for: [data]
    ask: { heardFrom: { question: "Who told you?", type: text } }
    steps:
      - approve: { by: lead, question: "${people.name} (${people.phone}) declares it?" }
      - manual: { do: "Write to ${people.email} or call +41795550123.", role: lead }
      - exec: { command: [node, -e, "console.log(process.argv[1], Buffer.from(process.argv[1]).toString('base64'))", "\${ask.heardFrom}"] }
drills:`,
      ),
  )
  const env = { PATH: process.env['PATH'], S3_ENDPOINT: store.endpoint, ...secrets }
  return { ...plan, env, echo }
}

async function textsBelow(directory: string): Promise<Map<string, string>> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true })
  const texts = new Map<string, string>()
  for (const entry of entries.filter((each) => each.isFile())) {
    const file = path.join(entry.parentPath, entry.name)
    texts.set(path.relative(directory, file), (await readFile(file)).toString('latin1'))
  }
  return texts
}

/** A value and its beginning in every encoding. */
function formsOf(value: string): string[] {
  const forms = ['utf8', 'base64', 'base64url', 'hex'] as const
  const encoded = [value, value.slice(0, 12)].flatMap((text) =>
    forms.map((form) => Buffer.from(text).toString(form).replace(/=+$/, '').slice(0, -1)),
  )
  return encoded.flatMap((form) => [form, encodeURIComponent(form), form.toUpperCase()])
}

test('case 94: no secret and no person stands in the ledger, reports, output or artefacts, whether runs pass or fail', async () => {
  const { directory, file, env, echo } = await canaryPlan()
  const outputs = new Map<string, CommandResult>()
  const run = async (exitCode: number | undefined, ...argv: string[]): Promise<void> => {
    const result = await dr(argv, { env })
    expect([argv.join(' '), result.exitCode, result.stderr]).toEqual([
      argv.join(' '),
      exitCode ?? expect.any(Number),
      expect.any(String),
    ])
    outputs.set(argv.join(' '), result)
  }
  await run(0, 'run', file, '--schedule', 'nightly')
  await run(0, 'run', file, '--schedule', 'passing')
  await run(0, 'run', file, '--schedule', 'passing', '--json')
  await run(15, 'run', file, '--schedule', 'failing')
  await run(15, 'run', file, '--schedule', 'failing', '--json')
  const heard = ['--answer', `heardFrom=${people.name} <${people.email}>`]
  const yes = ['--answer', 'approve=yes@lead-1', '--answer', 'manual=done@lead-1']
  await run(0, 'recover', file, 'call', ...heard, ...yes)
  await run(15, 'recover', file, 'call', ...heard, '--answer', 'approve=no', ...yes.slice(2))
  await run(0, 'drill', file, '--yes')
  for (const format of ['html', 'md', 'json'])
    await run(undefined, 'audit', file, '--format', format)
  await run(undefined, 'audit', file)
  for (const more of [[], ['--json']]) {
    await run(0, 'status', file, ...more)
    await run(0, 'ledger', 'show', file, ...more)
    await run(0, 'explain', file, ...more)
  }
  await run(0, 'ledger', 'export', file)
  // the secrets really went where they were sent
  const sent = echo.received.map(({ url, headers, body }) => JSON.stringify([url, headers, body]))
  expect(sent.join()).toContain(secrets.CHAT_HOOK_PATH)
  expect(sent.join()).toContain(`Basic ${secrets.CDN_PASSWORD}`)

  const files = await textsBelow(path.join(directory, '.vectra-dr'))
  for (const [name, text] of await textsBelow(path.join(directory, 'backups')))
    files.set(name, text)
  expect([...files.keys()].filter((name) => name.startsWith('runs/')).length).toBeGreaterThan(5)
  expect([...files.keys()].filter((name) => name.startsWith('reports/')).length).toBeGreaterThan(2)
  const everything = new Map(files)
  for (const [name, { stdout, stderr }] of outputs) everything.set(name, stdout + stderr)
  expect([...everything.values()].some((text) => text.includes('***'))).toBe(true)
  for (const value of Object.values(secrets)) {
    for (const form of formsOf(value)) {
      const found = [...everything].filter(([, text]) => text.includes(form))
      expect([form, found.map(([name]) => name)]).toEqual([form, []])
    }
  }
  // a person's own words stay on the screen; what is kept has the contact's key
  const kept = [...everything].filter(([name]) => /^ledger|^reports|^audit|^status/.test(name))
  expect(kept.length).toBeGreaterThan(10)
  expect(kept.some(([, text]) => text.includes('[lead-1]'))).toBe(true)
  for (const value of [...Object.values(people), '+41795550123', 'Carla', 'carla']) {
    for (const form of value.length < 8 ? [value] : formsOf(value)) {
      const found = kept.filter(([, text]) => text.includes(form))
      expect([form, found.map(([name]) => name)]).toEqual([form, []])
    }
  }
})

test.each([
  'webhook: "https://user:CanaryPassword@hooks.example/"',
  'webhook: "https://user:${env.CDN_PASSWORD}@hooks.example/"',
])('case 94: an address with credentials is refused and not repeated: %s', async (channel) => {
  const { file } = await smallPlan((text) =>
    text.replace('schedules:', `channels: { chat: { ${channel} } }\nschedules:`),
  )
  const env = { PATH: process.env['PATH'], ...secrets }
  for (const more of [[], ['--json']]) {
    const { exitCode, stdout, stderr } = await dr(['validate', file, ...more], { env })
    expect(exitCode).toBe(10)
    expect(stdout + stderr).not.toContain('CanaryPassword')
  }
})

import { createHash, createPublicKey, verify } from 'node:crypto'
import { readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import * as path from 'node:path'
import { describe, expect, test } from 'vitest'
import { generateSigningKey } from '../../../engine/repository/generate-key.ts'
import { encodeLine, hashLine } from '../../../planner/ledger/ledger-line.ts'
import { dr, smallPlan } from '../../support/dr-command.ts'

const head = (text: string): string => hashLine(text.trimEnd().split('\n').at(-1) ?? '')

/** A plan that signs and anchors its ledger, and what may be done to it. */
async function sealedPlan(settings = 'signing: { keyFile: ./ledger.pem }, anchor: vault') {
  const plan = await smallPlan((text) =>
    text
      .replace(/ {6}- backup: .*\n/, '')
      .replace('schedules:', '  vault: { url: ./vault }\nschedules:')
      .concat(`ledger: { ${settings} }\n`),
  )
  const { directory, file, state } = plan
  const ledger = path.join(state, 'ledger.jsonl')
  const publicKey = await generateSigningKey(path.join(directory, 'ledger.pem'))
  const read = () => readFile(ledger, 'utf8')
  const audit = (...more: string[]) => dr(['audit', file, '--format', 'md', ...more])
  return {
    ...plan,
    ledger,
    publicKey,
    audit,
    vault: path.join(directory, 'vault'),
    read,
    run: () => dr(['run', file]),
    verify: (...more: string[]) => dr(['ledger', 'verify', file, ...more]),
    /** Rewrites ledger and head as somebody would who knows the format. */
    async rewrite(texts: readonly string[]): Promise<void> {
      await writeFile(ledger, `${texts.join('\n')}\n`)
      const body = { head: 1, line: texts.length, sha256: hashLine(texts.at(-1) ?? '') }
      await writeFile(`${ledger}.head`, `${JSON.stringify(body)}\n`)
    },
  }
}

/** The same lines with one changed, and the chain made new behind it. */
function forge(texts: readonly string[], at: number, change: (text: string) => string): string[] {
  let before = { line: 0, sha256: '0'.repeat(64) }
  return texts.map((text, index) => {
    const entry = JSON.parse(index === at ? change(text) : text)
    const { at: time, line: _, previous: __, ledger: ___, ...rest } = entry
    const forged = encodeLine(rest, rest, before, time).text
    before = { line: index + 1, sha256: hashLine(forged) }
    return forged
  })
}

const anchorsIn = async (vault: string): Promise<string[]> =>
  (await readdir(vault, { recursive: true })).filter((name) => name.endsWith('.json')).sort()

describe('a ledger that is signed and anchored', () => {
  test('each run ends with a signature and an anchor, and verify says what they cover', async () => {
    const { run, verify: prove, publicKey, vault, read } = await sealedPlan()
    expect(await run()).toMatchObject({ exitCode: 0 })
    expect(await run()).toMatchObject({ exitCode: 0 })
    const texts = (await read()).trimEnd().split('\n')
    expect(
      texts.map((text) => JSON.parse(text).kind).filter((kind) => kind === 'signature'),
    ).toHaveLength(2)
    const anchors = await anchorsIn(vault)
    expect(anchors).toHaveLength(2)
    expect(anchors.at(-1)).toContain(`-${head(await read())}.json`)
    const proof = await prove()
    expect(proof).toMatchObject({ exitCode: 0 })
    expect(proof.stdout).toContain('2 signatures by a trusted key\n')
    expect(proof.stdout).toContain('2 anchors at vault\n')
    const [json] = (await prove('--json')).objects()
    expect(json).toMatchObject({
      lines: texts.length,
      signatures: { trusted: [publicKey], count: 2, throughLine: texts.length, unsignedRuns: [] },
      anchors: { count: 2, throughLine: texts.length, otherLedgers: [] },
    })
  })

  test('case 96: what was rewritten with a new chain and head is found by signature and anchor', async () => {
    const { run, verify: prove, audit, read, rewrite, vault } = await sealedPlan()
    await run()
    await run()
    expect((await audit()).exitCode).toBe(3) // nobody ran the drill
    const texts = (await read()).trimEnd().split('\n')
    const change = (text: string) => text.replace('"passed"', '"failed"')
    const at = texts.findIndex((text) => text.includes('"passed"'))
    await rewrite(forge(texts, at, change))
    const { exitCode, stderr } = await prove()
    expect(exitCode).toBe(13)
    const signed = texts.findIndex((text) => text.includes('"kind":"signature"')) + 1
    expect(stderr).toContain(`line ${signed} of`)
    expect(stderr).toContain('its signature does not fit')
    // nor is anything claimed from it
    const claimed = await audit()
    expect([claimed.exitCode, claimed.stdout]).toEqual([13, ''])
    expect(claimed.stderr).toContain(`line ${signed} of`)
    expect(claimed.stderr).toContain('its signature does not fit')
    // the same without the key, as if nothing had ever been signed
    const unsigned = forge(
      texts.filter((text) => !text.includes('"kind":"signature"')),
      at,
      change,
    )
    await rewrite(unsigned)
    const anchored = await prove()
    expect(anchored.exitCode).toBe(13)
    expect(anchored.stderr).toContain('is not the line that ledger-anchors/small/')
    await rm(vault, { recursive: true })
    const { exitCode: refused, stderr: why } = await prove(
      '--trust',
      (await sealedPlan()).publicKey,
    )
    expect([refused, why]).toEqual([17, expect.stringContaining('it is not signed')])
    expect(await audit('--trust', (await sealedPlan()).publicKey)).toMatchObject({ exitCode: 17 })
  })

  test('case 96: a cut tail is found by the anchor, and by a head that was kept', async () => {
    const { run, verify: prove, read, rewrite, vault } = await sealedPlan()
    await run()
    const first = (await read()).trimEnd().split('\n')
    await run()
    const kept = head(await read())
    const whole = (await read()).trimEnd().split('\n')
    await rewrite(first)
    const cut = await prove()
    expect(cut.exitCode).toBe(13)
    expect(cut.stderr).toContain(`line ${first.length + 1} of`)
    expect(cut.stderr).toContain(`there were ${whole.length} lines`)
    await rm(vault, { recursive: true })
    expect((await prove()).exitCode).toBe(0) // nobody is left who could know
    const expected = await prove('--expect-head', kept)
    expect(expected.exitCode).toBe(13)
    expect(expected.stderr).toContain('cut off, or the ledger replaced')
    await rewrite(whole)
    expect((await prove('--expect-head', kept)).exitCode).toBe(0)
    const earlier = await prove('--expect-head', hashLine(first.at(-1) ?? ''), '--json')
    expect(earlier.objects()[0]).toMatchObject({ expectedHeadLine: first.length })
    expect((await prove('--expect-head', 'abc')).exitCode).toBe(2)
  })

  test('case 96: a whole ledger in the place of another one is found by the anchor', async () => {
    const { run, verify: prove, ledger } = await sealedPlan()
    await run()
    await rename(ledger, `${ledger}.old`)
    await rm(`${ledger}.head`)
    expect((await prove()).exitCode).toBe(13)
    await run()
    const replaced = await prove()
    expect(replaced.exitCode).toBe(13)
    expect(replaced.stderr).toContain('line 1 of')
    expect(replaced.stderr).toContain('--restarted')
    expect((await prove('--restarted')).exitCode).toBe(0)
  })

  test('an anchor that cannot be written fails no run and is made up for by the next one', async () => {
    const { run, verify: prove, vault, ledger } = await sealedPlan()
    await writeFile(vault, 'a file where a directory should be')
    const lost = await run()
    expect(lost.exitCode).toBe(0)
    expect(lost.stderr).toContain('warning: the ledger is not anchored at vault')
    await rm(vault)
    const next = await run()
    expect([next.exitCode, next.stderr]).toEqual([0, expect.not.stringContaining('not anchored')])
    expect(await anchorsIn(vault)).toHaveLength(1)
    expect((await prove()).stdout).toContain('1 anchor at vault\n')
    expect(JSON.parse(await readFile(`${ledger}.anchored`, 'utf8'))).toMatchObject({ anchored: 1 })
  })

  test('an anchor may lie where the backups go, also before the first one', async () => {
    const { directory, file } = await smallPlan((text) => `${text}ledger: { anchor: backups }\n`)
    const data = path.join(directory, 'data')
    await rename(data, `${data}-away`)
    expect((await dr(['run', file])).exitCode).toBe(15)
    await rename(`${data}-away`, data)
    expect(await anchorsIn(path.join(directory, 'backups'))).toHaveLength(1)
    expect(await dr(['run', file])).toMatchObject({ exitCode: 0 })
    const { exitCode, stdout } = await dr(['ledger', 'verify', file])
    expect([exitCode, stdout]).toEqual([0, expect.stringContaining('2 anchors at backups\n')])
  })

  test('a failed run is signed and anchored as well', async () => {
    const { run, verify: prove, directory } = await sealedPlan()
    await rm(path.join(directory, 'data'), { recursive: true })
    expect((await run()).exitCode).toBe(15)
    expect((await prove()).stdout).toMatch(/1 signature by a trusted key\n1 anchor at vault\n/)
  })
})

describe('the key of a ledger', () => {
  test('is missing, unreadable or none: exit 17, and nothing has run', async () => {
    const { run, directory, ledger } = await sealedPlan()
    const key = path.join(directory, 'ledger.pem')
    const good = await readFile(key)
    for (const bytes of [undefined, Buffer.from('no key')]) {
      await rm(key)
      if (bytes !== undefined) await writeFile(key, bytes)
      const { exitCode, stderr } = await run()
      expect([exitCode, stderr]).toEqual([17, expect.stringContaining('ledger.pem')])
      await expect(readFile(ledger)).rejects.toThrow('ENOENT')
      await writeFile(key, good)
    }
    expect((await run()).exitCode).toBe(0)
  })

  test('is another one than before: refused, until it is said to be a new one', async () => {
    const { run, directory, file, verify: prove, read, publicKey } = await sealedPlan()
    await run()
    const before = await read()
    await rm(path.join(directory, 'ledger.pem'))
    const second = await generateSigningKey(path.join(directory, 'ledger.pem'))
    const refused = await run()
    expect([refused.exitCode, refused.stderr]).toEqual([17, expect.stringContaining('--new-key')])
    expect(await read()).toBe(before)
    expect((await prove()).exitCode).toBe(17)
    expect((await dr(['ledger', 'sign', file])).exitCode).toBe(17)
    expect(await dr(['ledger', 'sign', file, '--new-key'])).toMatchObject({ exitCode: 0 })
    expect((await run()).exitCode).toBe(0)
    expect((await prove()).stdout).toContain(`signed as well by ${publicKey}`)
    expect((await prove('--trust', publicKey, second)).stdout).toContain(
      '3 signatures by a trusted',
    )
  })

  test('signs what a crash left without: until then verify says which lines no signature covers', async () => {
    const {
      run,
      file,
      verify: prove,
      read,
      rewrite,
    } = await sealedPlan('signing: { keyFile: ./ledger.pem }')
    await run()
    const signed = (await read()).trimEnd().split('\n')
    await run()
    const texts = (await read()).trimEnd().split('\n').slice(0, -1)
    await rewrite(texts)
    const { exitCode, stdout } = await prove()
    expect(exitCode).toBe(0)
    expect(stdout).toContain(`no signature covers lines ${signed.length + 1} to ${texts.length}`)
    expect(stdout).toContain('has no signature of its own')
    expect(await dr(['ledger', 'sign', file])).toMatchObject({ exitCode: 0 })
    expect((await prove()).stdout).toContain('2 signatures by a trusted key\n')
  })
})

describe('ledger export', () => {
  test('gives a run with the signature that covers it, checkable with standard tools alone', async () => {
    const { run, file, directory, publicKey, read } = await sealedPlan()
    await run()
    await run()
    await run()
    const { run: id } = JSON.parse((await read()).split('\n')[8] ?? '')
    const out = path.join(directory, 'run.jsonl')
    const exported = await dr(['ledger', 'export', file, '--run', id, '--out', out, '--json'])
    expect(exported.objects()[0]).toMatchObject({ outcome: 'done', isSigned: true })
    const texts = (await readFile(out, 'utf8')).trimEnd().split('\n')
    expect(texts.every((text) => JSON.parse(text).run === id)).toBe(true)
    const sha = (text: string) => createHash('sha256').update(text).digest('hex')
    for (const [index, text] of texts.slice(1).entries()) {
      expect(JSON.parse(text).previous).toBe(sha(texts[index] ?? ''))
    }
    const { signature, ...unsigned } = JSON.parse(texts.at(-1) ?? '')
    const spki = { key: Buffer.from(publicKey, 'base64'), format: 'der', type: 'spki' } as const
    const message = `vectra-dr ledger 1\0${JSON.stringify(unsigned)}`
    const bytes = Buffer.from(signature, 'base64')
    expect(verify(null, Buffer.from(message), createPublicKey(spki), bytes)).toBe(true)
    const proof = await dr(['ledger', 'verify', out, '--trust', publicKey])
    expect(proof).toMatchObject({ exitCode: 0 })
    expect(proof.stdout).toContain(`holds: ${texts.length} lines`)
  })

  test('an export that was changed or cut is refused, and one that exists is not overwritten', async () => {
    const { run, file, directory, publicKey } = await sealedPlan()
    await run()
    const out = path.join(directory, 'all.jsonl')
    const window = ['--from', '2020-01-01T00:00:00Z', '--out', out]
    expect(await dr(['ledger', 'export', file, ...window])).toMatchObject({ exitCode: 0 })
    expect((await dr(['ledger', 'export', file, ...window])).exitCode).not.toBe(0)
    const text = await readFile(out, 'utf8')
    await writeFile(out, text.replace('"passed"', '"failed"'))
    expect((await dr(['ledger', 'verify', out, '--trust', publicKey])).exitCode).toBe(13)
    await writeFile(out, text.split('\n').slice(0, -2).join('\n').concat('\n'))
    expect((await dr(['ledger', 'verify', out, '--trust', publicKey])).exitCode).toBe(17)
    await writeFile(out, 'nothing of ours')
    expect((await dr(['ledger', 'verify', out])).exitCode).toBe(13)
    expect((await dr(['ledger', 'export', file, '--run', 'none'])).exitCode).toBe(14)
    expect((await dr(['ledger', 'export', file, '--out', 'x.txt'])).exitCode).toBe(2)
  })

  test('without a signature it says so, and is printed where no file is named', async () => {
    const { file } = await smallPlan()
    await dr(['run', file])
    const { exitCode, stdout, stderr } = await dr(['ledger', 'export', file])
    expect(exitCode).toBe(0)
    expect(
      stdout
        .trimEnd()
        .split('\n')
        .map((text) => JSON.parse(text).kind),
    ).toContain('run-ended')
    expect(stderr).toContain('no signature follows')
    expect((await dr(['ledger', 'export', file, '--json'])).exitCode).toBe(2)
  })
})

describe('an audit of a signed ledger', () => {
  test('asks for no key that is elsewhere, and says what it did not look at', async () => {
    const { run, audit, directory, publicKey } = await sealedPlan(
      'signing: { keyFile: ./ledger.pem }',
    )
    await run()
    await rename(path.join(directory, 'ledger.pem'), path.join(directory, 'elsewhere.pem'))
    const { exitCode, stderr } = await audit()
    expect([exitCode, stderr]).toEqual([
      3,
      expect.stringContaining('signatures of the ledger are not checked'),
    ])
    const named = await audit('--trust', publicKey)
    expect([named.exitCode, named.stderr]).toEqual([3, expect.not.stringContaining('not checked')])
  })

  test('is refused when only others signed it, and tells runs that nobody signed', async () => {
    const { run, audit, read, rewrite, publicKey } = await sealedPlan(
      'signing: { keyFile: ./ledger.pem }',
    )
    await run()
    await run()
    const stranger = await audit('--trust', (await sealedPlan()).publicKey)
    expect([stranger.exitCode, stranger.stderr]).toEqual([
      17,
      expect.stringContaining(`it is signed by ${publicKey}`),
    ])
    // the last signature is cut off
    await rewrite((await read()).trimEnd().split('\n').slice(0, -1))
    const cut = await audit()
    expect([cut.exitCode, cut.stderr]).toEqual([
      3,
      expect.stringContaining('1 run behind the first signature'),
    ])
  })
})

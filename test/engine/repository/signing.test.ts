import { generateKeyPairSync } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import { nodeDisk } from '../../../engine/base/disk.ts'
import { generateSigningKey } from '../../../engine/repository/generate-key.ts'
import {
  checkSignature,
  rawPublicKey,
  readPublicKey,
  readSigner,
  refuseUntrusted,
  Signer,
  toPublicKey,
} from '../../../engine/repository/signing.ts'
import { temporaryDirectory } from '../../support/temporary-directory.ts'

const makeSigner = () => new Signer(generateKeyPairSync('ed25519').privateKey)
const [ours, theirs] = [makeSigner(), makeSigner()]
const bytes = Buffer.from('what is signed')
const trust = { publicKeys: [ours.publicKey] }

describe('a signature', () => {
  it('is trusted, valid, wrong or absent', () => {
    const status = (signer: Signer, signed = bytes) =>
      checkSignature('snapshot', signed, signer.sign('snapshot', bytes), trust).status
    expect(status(ours)).toBe('trusted')
    expect(status(theirs)).toBe('valid')
    expect(status(ours, Buffer.from('what is signeD'))).toBe('wrong')
    expect(checkSignature('snapshot', bytes, undefined, trust).status).toBe('unsigned')
    const untrusted = checkSignature('snapshot', bytes, ours.sign('snapshot', bytes), undefined)
    expect(untrusted).toEqual({ status: 'valid', publicKey: ours.publicKey })
  })

  it('of one kind of thing is none of another', () => {
    const signature = ours.sign('archive', bytes)
    expect(checkSignature('archive', bytes, signature, trust).status).toBe('trusted')
    expect(checkSignature('snapshot', bytes, signature, trust).status).toBe('wrong')
  })

  it('case 87: with any bit of it or of its key flipped is wrong, or by an unknown key', () => {
    const good = ours.sign('snapshot', bytes)
    const flipped = (base64: string, bit: number, from = 0) => {
      const copy = Buffer.from(base64, 'base64')
      copy.writeUInt8(copy.readUInt8(from + (bit >> 3)) ^ (1 << (bit & 7)), from + (bit >> 3))
      return copy.toString('base64')
    }
    for (let bit = 0; bit < 512; bit++) {
      const bad = { ...good, signature: flipped(good.signature, bit) }
      expect(checkSignature('snapshot', bytes, bad, trust).status).toBe('wrong')
    }
    for (let bit = 0; bit < 256; bit++) {
      const bad = { ...good, publicKey: flipped(good.publicKey, bit, 12) }
      expect(checkSignature('snapshot', bytes, bad, trust).status).toBe('wrong')
    }
  })

  it('case 87: is refused where trust is asked for, with the reason', () => {
    const check = (signer: Signer | undefined, signed = bytes) =>
      checkSignature('snapshot', signed, signer?.sign('snapshot', bytes), trust)
    const refuse = (found: ReturnType<typeof check>) => () => refuseUntrusted(found, trust, 'x')
    expect(refuse(check(ours))).not.toThrow()
    for (const [found, reason] of [
      [check(undefined), /not signed/],
      [check(theirs), /not a trusted key/],
      [check(ours, Buffer.from('other')), /changed after it was signed/],
    ] as const) {
      expect(refuse(found)).toThrow(reason)
      expect(refuse(found)).toThrow(
        expect.objectContaining({ code: 'signature-refused', exitCode: 17 }),
      )
      expect(() => refuseUntrusted(found, undefined, 'x')).not.toThrow()
    }
  })
})

describe('a key for signing', () => {
  it('is read back from the file that it was generated into', async () => {
    const file = join(await temporaryDirectory(), 'sign.pem')
    const publicKey = await generateSigningKey(file)
    const signer = await readSigner(file, nodeDisk)
    expect(signer.publicKey).toBe(publicKey)
    expect(toPublicKey(rawPublicKey(publicKey))).toBe(publicKey)
  })

  it('case 94: shows its public half only', () => {
    const { privateKey } = generateKeyPairSync('ed25519')
    const signer = new Signer(privateKey)
    const secret = String(privateKey.export({ format: 'jwk' }).d)
    for (const text of [inspect(signer, { depth: 9 }), JSON.stringify(signer), String(signer)]) {
      expect(text).not.toContain(secret)
      expect(text).not.toContain(Buffer.from(secret, 'base64url').toString('base64'))
    }
  })

  it('is refused when it is of another kind, damaged or not there', async () => {
    const root = await temporaryDirectory()
    const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
    const files = {
      rsa: privateKey.export({ type: 'pkcs8', format: 'pem' }),
      text: 'no key',
      empty: '',
    }
    for (const [name, text] of Object.entries(files)) {
      await writeFile(join(root, name), text)
      const reading = readSigner(join(root, name), nodeDisk)
      await expect(reading).rejects.toMatchObject({ code: 'key-refused' })
    }
    await expect(readSigner(join(root, 'absent'), nodeDisk)).rejects.toMatchObject({
      code: 'key-refused',
    })
    await writeFile(join(root, 'rsa.pub'), publicKey.export({ type: 'spki', format: 'pem' }))
    await expect(readPublicKey(join(root, 'rsa.pub'), nodeDisk)).rejects.toMatchObject({
      code: 'usage',
    })
    await expect(readPublicKey(join(root, 'rsa'), nodeDisk)).rejects.toThrow(/secret key/)
  })

  it('is trusted as text, as a file of that text, and as PEM', async () => {
    const root = await temporaryDirectory()
    const { publicKey } = generateKeyPairSync('ed25519')
    const text = publicKey.export({ type: 'spki', format: 'der' }).toString('base64')
    await writeFile(join(root, 'text'), `${text}\n`)
    await writeFile(join(root, 'pem'), publicKey.export({ type: 'spki', format: 'pem' }))
    for (const given of [text, join(root, 'text'), join(root, 'pem')]) {
      expect(await readPublicKey(given, nodeDisk)).toBe(text)
    }
    await expect(readPublicKey(`${text.slice(0, -4)}AAA=`, nodeDisk)).resolves.toBeTypeOf('string')
    await expect(readPublicKey(text.slice(0, -4), nodeDisk)).rejects.toMatchObject({
      code: 'usage',
    })
  })
})

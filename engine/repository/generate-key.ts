/**
 * New keys, in files that only their owner may read: one for an encrypted repository, or a pair for
 * signing snapshots.
 */
import { generateKeyPair, randomBytes } from 'node:crypto'
import { promisify } from 'node:util'
import { writePrivateFile } from '../base/disk.ts'

const makePair = promisify(generateKeyPair)

/** 32 random bytes, as one line of base64. @throws `file-exists`; what the disk says */
export async function generateRepositoryKey(file: string): Promise<void> {
  await writePrivateFile(file, Buffer.from(`${randomBytes(32).toString('base64')}\n`))
}

/**
 * An Ed25519 pair: the secret half in PEM (PKCS #8) at `file`.
 * @returns the public half, base64 of its SubjectPublicKeyInfo: what plans and `--trust` name
 * @throws `file-exists`; what the disk says
 */
export async function generateSigningKey(file: string): Promise<string> {
  const { publicKey, privateKey } = await makePair('ed25519')
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem' })
  await writePrivateFile(file, Buffer.from(pem))
  return publicKey.export({ type: 'spki', format: 'der' }).toString('base64')
}

/** AWS Signature Version 4 as a server checks it: only who knows the secret is let in. */
import { createHash, createHmac } from 'node:crypto'
import type { IncomingMessage } from 'node:http'

export interface KnownKey {
  readonly secret: string
  /** Must come with the request where there is one. */
  readonly sessionToken?: string
  /** Was good once. */
  readonly isExpired?: boolean
}

const hmac = (key: string | Buffer, text: string): Buffer =>
  createHmac('sha256', key).update(text).digest()

/** The S3 code of what is wrong with a request's signature; undefined when it is right. */
export function signatureProblem(
  request: IncomingMessage,
  keys: ReadonlyMap<string, KnownKey>,
): string | undefined {
  const match =
    /^AWS4-HMAC-SHA256 Credential=([^/]+)\/([^,]+), ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]+)$/.exec(
      request.headers.authorization ?? '',
    )
  const [, accessKey = '', scope = '', signedHeaders = '', signature = ''] = match ?? []
  if (match === null) return 'AccessDenied'
  const known = keys.get(accessKey)
  if (known === undefined) return 'InvalidAccessKeyId'
  if (known.isExpired === true) return 'ExpiredToken'
  if (known.sessionToken !== request.headers['x-amz-security-token']) return 'InvalidToken'
  const [path = '', query = ''] = (request.url ?? '').split('?')
  const names = signedHeaders.split(';')
  const headerText = (name: string) => [request.headers[name] ?? ''].flat().join(',').trim()
  const canonical = [
    request.method,
    path,
    query
      .split('&')
      .filter((each) => each !== '')
      .map((each) => (each.includes('=') ? each : `${each}=`))
      .sort()
      .join('&'),
    ...names.map((name) => `${name}:${headerText(name).replace(/ +/g, ' ')}`),
    '',
    signedHeaders,
    request.headers['x-amz-content-sha256'],
  ].join('\n')
  const [date = '', region = '', service = '', end = ''] = scope.split('/')
  const digest = createHash('sha256').update(canonical).digest('hex')
  const text = ['AWS4-HMAC-SHA256', request.headers['x-amz-date'], scope, digest].join('\n')
  const key = [date, region, service, end].reduce<string | Buffer>(
    (secret, part) => hmac(secret, part),
    `AWS4${known.secret}`,
  )
  return hmac(key, text).toString('hex') === signature ? undefined : 'SignatureDoesNotMatch'
}

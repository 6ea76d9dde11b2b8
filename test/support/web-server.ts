/** Real HTTP servers on this machine, closed when the test is over. */
import * as http from 'node:http'
import * as https from 'node:https'
import type { AddressInfo } from 'node:net'
import { onTestFinished } from 'vitest'

export interface Received {
  readonly method: string
  readonly url: string
  readonly headers: http.IncomingHttpHeaders
  readonly body: string
}

export type Answer = (response: http.ServerResponse, received: Received) => void

export interface WebServer {
  readonly port: number
  readonly received: readonly Received[]
}

export async function webServer(
  answer: Answer,
  { tls = false, host = '127.0.0.1' }: { readonly tls?: boolean; readonly host?: string } = {},
): Promise<WebServer> {
  const received: Received[] = []
  const listener: http.RequestListener = async (request, response) => {
    let body = ''
    for await (const chunk of request) body += chunk
    const { method = '', url = '', headers } = request
    const one = { method, url, headers, body }
    received.push(one)
    answer(response, one)
  }
  const server = tls
    ? https.createServer({ key: testKey, cert: testCertificate }, listener)
    : http.createServer(listener)
  await new Promise<void>((resolve) => server.listen(0, host, resolve))
  onTestFinished(
    () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  )
  // a server that listens on a port has an address of that shape
  return { port: (server.address() as AddressInfo).port, received }
}

/** For shop.example, localhost and 127.0.0.1; signed by itself, used by tests alone. */
export const testCertificate = `-----BEGIN CERTIFICATE-----
MIIBqTCCAU+gAwIBAgIUBsWRNbxQ9yW7iAyp4niPFr9qUPswCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyNjE4NDM0M1oYDzIxMjYxMTAy
MTg0MzQzWjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAAR0GTv6HHWIt+Vae0ErEyS5udlHD3ko3dMviIBSgSPuz5K95ptCDSQG
hGy1R7nGm81uhiupfhaF6WJF5gBJO6Jwo30wezAdBgNVHQ4EFgQUFCkt2PZj/o09
mEMEsZMdOkFoiKEwHwYDVR0jBBgwFoAUFCkt2PZj/o09mEMEsZMdOkFoiKEwDwYD
VR0TAQH/BAUwAwEB/zAoBgNVHREEITAfgglsb2NhbGhvc3SCDHNob3AuZXhhbXBs
ZYcEfwAAATAKBggqhkjOPQQDAgNIADBFAiEAuBADAQ1EoanaDNpgGK1jY4vAcsPQ
Kb2xFCjQndkmXawCIHGLayLap84+0LCA/koWK7iKus6w5UojzAN8syVO3eGl
-----END CERTIFICATE-----
`

/** Of {@link testCertificate}. */
export const testKey = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgzgdTgGDjih1Epv+J
uCb3Yeugk8E7nmfP+/vBy2414WqhRANCAAR0GTv6HHWIt+Vae0ErEyS5udlHD3ko
3dMviIBSgSPuz5K95ptCDSQGhGy1R7nGm81uhiupfhaF6WJF5gBJO6Jw
-----END PRIVATE KEY-----
`

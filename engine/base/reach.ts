/**
 * Where an address leads: to the world, into a private network, or to a place that no request of a
 * plan may go to. Judged is the number, in whatever spelling it came: an IPv4 address inside an IPv6
 * one (mapped, compatible, NAT64, 6to4) is judged as well, because routers unwrap it.
 *
 * Ranges: IANA special-purpose address registries (RFC 6890 and its successors).
 */
import * as dns from 'node:dns'
import { BlockList, isIP, type LookupFunction } from 'node:net'
import { OperatingError } from './errors.ts'

/** `forbidden`: link-local, or where a cloud hands out credentials. */
export type Reach = 'public' | 'private' | 'forbidden'

/** Where machines ask for their own credentials: nothing else is there. */
const never = new BlockList()
never.addSubnet('169.254.0.0', 16)
never.addSubnet('fe80::', 10, 'ipv6')
never.addAddress('fd00:ec2::254', 'ipv6')
// metadata services that are not link-local: Azure, Oracle, Alibaba, Google over IPv6
for (const address of ['168.63.129.16', '192.0.0.192', '100.100.100.200']) {
  never.addAddress(address)
}
never.addAddress('fd20:ce::254', 'ipv6')

const inner = new BlockList()
for (const [network, bits] of [
  ['0.0.0.0', 8], // this host
  ['10.0.0.0', 8],
  ['100.64.0.0', 10], // shared by carriers
  ['127.0.0.0', 8],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15], // benchmarks
  ['224.0.0.0', 3], // multicast, reserved, broadcast
] as const) {
  inner.addSubnet(network, bits)
}
for (const [network, bits] of [
  ['::', 127], // unspecified and loopback
  ['64:ff9b:1::', 48], // local NAT64
  ['fc00::', 7],
  ['fec0::', 10],
  ['ff00::', 8],
] as const) {
  inner.addSubnet(network, bits, 'ipv6')
}

/** @param address an IP address, with brackets or a zone or without */
export function reachOf(address: string): Reach {
  const plain = address.replace(/^\[(.*)\]$/, '$1').replace(/%.*$/, '')
  const family = isIP(plain)
  if (family === 0) return 'forbidden' // what cannot be judged is not gone to
  const type = family === 6 ? 'ipv6' : 'ipv4'
  if (never.check(plain, type)) return 'forbidden'
  const carried = family === 6 ? carriedBy(plain) : undefined
  const own: Reach = inner.check(plain, type) ? 'private' : 'public'
  if (carried === undefined || own === 'private') return own
  return reachOf(carried)
}

/** Whether a host name, as a URL has it, is an address that nothing goes to, in whatever spelling. */
export function isForbidden(hostname: string): boolean {
  const address = hostname.replace(/^\[(.*)\]$/, '$1')
  return isIP(address) !== 0 && reachOf(address) === 'forbidden'
}

/**
 * Looks names up as `lookup` does, for whoever connects, and refuses those that lead to where nothing goes.
 * Judged are the very addresses that are then connected to.
 */
export const guardedLookup =
  (lookup: LookupFunction = dns.lookup): LookupFunction =>
  (name, options, callback) => {
    lookup(name, { ...options, all: true }, (error, found) => {
      if (error !== null) return callback(error, [])
      const all = Array.isArray(found) ? found : [{ address: found, family: isIP(found) }]
      const [first] = all
      if (all.some(({ address }) => reachOf(address) === 'forbidden')) {
        const problem = `the host ${name} leads to a link-local or metadata address`
        const refused = new OperatingError(
          'address-refused',
          problem,
          'Nothing goes there. Name another host.',
        )
        return callback(refused, [])
      }
      if (options.all === true || first === undefined) return callback(null, all)
      callback(null, first.address, first.family)
    })
  }

/** The IPv4 address that an IPv6 one carries. */
function carriedBy(address: string): string | undefined {
  const words = wordsOf(address)
  const dotted = (high = 0, low = 0) => [high >> 8, high & 255, low >> 8, low & 255].join('.')
  const begins = (...start: number[]) => start.every((word, index) => words[index] === word)
  if (begins(0x2002)) return dotted(words[1], words[2])
  const carries =
    begins(0x64, 0xff9b, 0, 0, 0, 0) ||
    begins(0, 0, 0, 0, 0, 0xffff) ||
    begins(0, 0, 0, 0, 0xffff, 0) ||
    (begins(0, 0, 0, 0, 0, 0) && words[6] !== 0)
  return carries ? dotted(words[6], words[7]) : undefined
}

/** The eight words of an IPv6 address; the URL parser brings it into one spelling. */
function wordsOf(address: string): number[] {
  const canonical = new URL(`http://[${address}]/`).hostname.slice(1, -1)
  const [head = '', tail] = canonical.split('::')
  const read = (text: string) =>
    text === '' ? [] : text.split(':').map((word) => Number.parseInt(word, 16))
  const [before, after] = [read(head), read(tail ?? '')]
  const gap = tail === undefined ? 0 : 8 - before.length - after.length
  return [...before, ...Array<number>(gap).fill(0), ...after]
}

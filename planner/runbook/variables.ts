/**
 * Variables of the environment, for a plan that is only written down: the page is the same on every
 * machine, needs no secret and can hold none. Each variable is filled in with a stand-in that names it,
 * and in what comes out the stand-in becomes `${env.NAME}` again.
 */
import type { Environment } from '../plan/template.ts'

/** A setting that is an address, where the variable is all of it or its beginning. */
const addressPattern = /\b(?:url|endpoint|webhook|heartbeat):\s*["']?\$\{env\.([A-Za-z_]\w*)\}/g
const namePattern = /\$\{env\.([A-Za-z_]\w*)\}/g

/** A value for each variable that the text of a plan names, fit for the place where it stands. */
export function standIns(planText: string): Environment {
  const named = (pattern: RegExp) =>
    new Set([...planText.matchAll(pattern)].map(([, name = '']) => name))
  const addresses = named(addressPattern)
  return Object.fromEntries(
    [...named(namePattern)].map((name) => {
      const word = `env-${Buffer.from(name).toString('hex')}-env`
      return [name, addresses.has(name) ? `https://${word}.invalid` : word]
    }),
  )
}

const standInPattern = /(?:https(?::\/\/|%3A%2F%2F))?env-((?:[0-9a-f]{2})+)-env(?:\.invalid)?/g

/** The text with `${env.NAME}` where a stand-in is. */
export const asWritten = (text: string): string =>
  text.replace(
    standInPattern,
    (_, hex: string) => `\${env.${Buffer.from(hex, 'hex').toString('utf8')}}`,
  )

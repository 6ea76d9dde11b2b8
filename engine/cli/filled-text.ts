/**
 * Text of the command line that names variables, `Bearer ${env.TOKEN}`: other users of the machine see what was
 * typed, not what it stands for, and neither is it printed.
 */
import { fail } from '../base/errors.ts'

export interface FilledText {
  /** With the values in it. */
  readonly text: string
  /** As it was typed. */
  readonly written: string
  /** What stands before the first variable. */
  readonly start: string
  /** The values, none of which may be printed. */
  readonly secrets: readonly string[]
}

const variable = /\$\{env\.([A-Za-z_][A-Za-z0-9_]*)\}/g

/** @throws `usage` for a variable without a value */
export function fillIn(
  written: string,
  env: Readonly<Record<string, string | undefined>>,
): FilledText {
  const secrets: string[] = []
  const text = written.replaceAll(variable, (_, name: string) => {
    const value = variableOf(name, env)
    secrets.push(value)
    return value
  })
  return { text, written, start: written.split(variable)[0] ?? '', secrets }
}

/** @throws `usage` for a variable without a value */
export function variableOf(
  name: string,
  env: Readonly<Record<string, string | undefined>>,
): string {
  const value = env[name]
  if (value !== undefined && value !== '') return value
  return fail('usage', `the variable ${name} has no value`, `Set it: ${name}=… vectra-cli …`)
}

/** What takes values out of text that others wrote, also where they stand encoded. */
export function masking(secrets: readonly string[]): (text: string) => string {
  const all = secrets
    .flatMap((each) => [each, encodeURIComponent(each), Buffer.from(each).toString('base64')])
    .sort((a, b) => b.length - a.length)
  return (text) => all.reduce((masked, each) => masked.replaceAll(each, '***'), text)
}

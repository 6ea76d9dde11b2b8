/** `--set KEY=VALUE`: a plan's text with other values in it, for what-ifs. The result is checked like any plan. */
import { parseDocument, visit } from 'yaml'
import { fail } from '../../engine/index.ts'

export interface Setting {
  /** Keys from the root; numbers count in lists, from 0. */
  readonly path: readonly string[]
  /** A value as it would stand in the plan, one line of YAML. */
  readonly value: string
}

/** `tiers.critical.rto=20m`. @throws `usage` */
export function readSetting(text: string): Setting {
  const at = text.indexOf('=')
  const path = text.slice(0, at).split('.')
  if (at < 1 || path.includes('')) {
    fail('usage', `"${text}" is not KEY=VALUE`, 'Write --set tiers.critical.rto=20m.')
  }
  return { path, value: text.slice(at + 1) }
}

/** @param text a valid plan. @throws `usage` when a key leads through something that has no keys */
export function setValues(text: string, settings: readonly Setting[]): string {
  const document = parseDocument(text)
  for (const { path, value } of settings) {
    const keys = path.map((key) => (/^\d+$/.test(key) ? Number(key) : key))
    const given = parseDocument(value)
    let isBroken = given.errors.length > 0
    visit(given, {
      Alias: () => {
        isBroken = true
      },
    })
    if (isBroken) {
      fail('usage', `--set ${path.join('.')} has a value that is no YAML by itself`, 'Quote it.')
    }
    try {
      document.setIn(keys, given.contents)
    } catch {
      // yaml's message names its own classes
      fail('usage', `--set ${path.join('.')} leads nowhere in the plan`, 'Give the path of a key.')
    }
  }
  return document.toString({ lineWidth: 0 })
}

/**
 * Settings outside steps that may hold `${env.NAME}`: filled in once, when the plan is loaded. What is
 * wrong with a filled-in value is told without the value.
 */

import type { Annotations } from './annotations.ts'
import { settingReaders } from './formats.ts'
import type { ValueProblem } from './problem.ts'
import { Secret } from './secret.ts'
import { type Environment, readTemplate, variable } from './template.ts'

/** The text with its variables; undefined when one is missing or is not of the environment. */
export function fillSetting(text: string, env: Environment): string | undefined {
  const reading = readTemplate(text)
  if (reading.problem !== undefined) return undefined
  const pieces = reading.value.map((part) => {
    if (part.kind === 'text') return part.text
    return part.kind === 'env' ? variable(env, part.name) : undefined
  })
  return pieces.some((piece) => piece === undefined) ? undefined : pieces.join('')
}

const wantedTexts: Readonly<Record<string, string>> = {
  path: 'a path',
  location: 'a path, a file:// URL of this machine, an s3:// or an rsync:// URL',
  endpoint: 'http://host or https://host',
  'web-address': 'an http:// or https:// address',
  'service-address': 'the address of a system',
}

/** Settings whose value makes no sense once it is filled in. */
export function checkSettings(annotations: Annotations, env: Environment): ValueProblem[] {
  return [...annotations.templates].flatMap(([pointer, { mode, text, format = '' }]) => {
    const read = settingReaders[format]
    const filled = mode === 'setting' ? fillSetting(text, env) : undefined
    if (read === undefined || filled === undefined || filled === text) return []
    const reading = read(filled)
    if (reading.problem === undefined) return []
    return [
      {
        rule: 'wrong-value',
        pointer,
        atKey: false,
        message: `this is not ${wantedTexts[format]} once its variables are filled in`,
        hint: reading.hint,
      },
    ]
  })
}

/** An endpoint beside a place that is no bucket: it would be passed over in silence. */
export function checkEndpoints(annotations: Annotations, env: Environment): ValueProblem[] {
  return [...annotations.templates.keys()].flatMap((pointer) => {
    const [, place] = /^(\/destinations\/[^/]+)\/endpoint$/.exec(pointer) ?? []
    const url = place === undefined ? undefined : annotations.templates.get(`${place}/url`)
    const filled = url && fillSetting(url.text, env)
    if (filled === undefined || /^s3:/i.test(filled)) return []
    return [
      {
        rule: 'wrong-value',
        pointer,
        atKey: true,
        message: 'an endpoint goes with an s3:// URL only',
        hint: 'Leave it away, or write url: s3://bucket/prefix.',
      },
    ]
  })
}

/** Every environment variable that the plan names, once, with its value. */
export function collectSecrets(annotations: Annotations, env: Environment): Secret[] {
  const names = [...annotations.templates.values()].flatMap(({ text }) =>
    (readTemplate(text).value ?? []).flatMap((part) => (part.kind === 'env' ? [part.name] : [])),
  )
  return [...new Set(names)].flatMap((name) => {
    const found = variable(env, name)
    return found === undefined ? [] : [new Secret(name, found)]
  })
}

/**
 * Settings outside steps that may hold `${env.NAME}`: filled in once, when the plan is loaded. What is
 * wrong with a filled-in value is told without the value.
 */
import { readLocation, readPath } from './location.ts'
import type { Annotations } from './plan-schema.ts'
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

/** Settings whose value makes no sense once it is filled in. */
export function checkSettings(annotations: Annotations, env: Environment): ValueProblem[] {
  return [...annotations.templates].flatMap(([pointer, { mode, text }]) => {
    const filled = mode === 'setting' ? fillSetting(text, env) : undefined
    if (filled === undefined || filled === text || pointer.endsWith('/key')) return []
    const isLocation = pointer.endsWith('/url')
    const reading = isLocation ? readLocation(filled, '/') : readPath(filled)
    if (reading.problem === undefined) return []
    const wanted = isLocation ? 'a path or a file:// URL of this machine' : 'a path'
    return [
      {
        rule: 'wrong-value',
        pointer,
        atKey: false,
        message: `this is not ${wanted} once its variables are filled in`,
        hint: reading.hint,
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

/** Paths and destinations: what the plan writes → absolute paths and URLs. */
import * as path from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { problem, type Reading, value } from './reading.ts'

/** The text, once it can be a path. */
export function readPath(text: string): Reading<string> {
  if (text === '' || text.includes('\0')) return problem('is not a path', 'Write a path.')
  if (/^~(\/|$)/.test(text)) {
    return problem('starts with "~", which only a shell knows', 'Write ${env.HOME} instead of "~".')
  }
  return value(text)
}

/** Absolute `file://` URL of a destination. A relative path starts at `directory`. */
export function readLocation(text: string, directory: string): Reading<string> {
  const scheme = /^([A-Za-z][A-Za-z0-9+.-]*):/.exec(text)?.[1]?.toLowerCase()
  if (scheme === undefined) {
    const plain = readPath(text)
    if (plain.problem !== undefined) return plain
    return value(pathToFileURL(path.resolve(directory, plain.value)).href)
  }
  const hint = 'Write a path, or a file:// URL with three slashes: file:///var/backups/vectra.'
  if (scheme !== 'file') {
    return problem(`is at "${scheme}:", where this version cannot store`, hint)
  }
  const url = URL.canParse(text) ? new URL(text) : undefined
  const isPlain = url?.host === '' && url.search === '' && url.hash === ''
  if (!isPlain || !/^file:\/\/\//i.test(text) || /%2f|%00/i.test(text)) {
    return problem('is not a file:// URL of this machine', hint)
  }
  return value(pathToFileURL(path.resolve(fileURLToPath(url))).href)
}

/** The layers of the house, low to high, and the two rules that keep it standing. */
import { type Import, importsOf } from './imports.ts'
import type { Finding, SourceFile } from './source-files.ts'

/** A file imports its own folder or one further left. A new folder takes its place here. */
export const layers: Readonly<Record<string, readonly string[]>> = {
  engine: [
    'base',
    'outside',
    'format',
    'wal',
    'segment',
    'ann',
    'collection',
    'transfer',
    'destination',
    'repository',
    'backup',
    'retention',
    'copies',
    'replica',
    'server',
    'cli',
  ],
  planner: [
    'plan',
    'web',
    'target',
    'step',
    'compile',
    'ledger',
    'run',
    'schedule',
    'audit',
    'check',
    'tabletop',
    'chart',
    'report',
    'runbook',
    'play',
    'bundle',
    'standing',
    'cli',
  ],
}

/** How a half is entered from outside. Of the engine's, `index.ts` does not load what works on data, `outside.ts` has what leaves the process, and `threads.ts` loads hardly anything. */
const doors: Readonly<Record<string, readonly string[]>> = {
  engine: ['engine/index.ts', 'engine/operations.ts', 'engine/outside.ts', 'engine/threads.ts'],
  planner: ['planner/index.ts'],
}

const placeOf = (path: string): { half: string; folder: string } => {
  const [half = '', folder = ''] = path.split('/')
  return { half, folder }
}

/** Imports that go up, or across the door between the halves. */
export function layerFindings(files: readonly SourceFile[]): Finding[] {
  return files.flatMap((file) => {
    const { half, folder } = placeOf(file.path)
    const order = layers[half]
    if (order === undefined) return [{ path: file.path, message: `${half}/ is not a half` }]
    const isDoor = doors[half]?.includes(file.path) === true
    if (!isDoor && !order.includes(folder)) {
      return [{ path: file.path, message: `${half}/${folder}/ has no place in the layers` }]
    }
    return importsOf(file).flatMap((each) => {
      const message = problemOf(file.path, each)
      return message === undefined ? [] : [{ path: file.path, line: each.line, message }]
    })
  })
}

function problemOf(path: string, { specifier, target }: Import): string | undefined {
  if (target === undefined) return undefined
  const from = placeOf(path)
  const to = placeOf(target)
  if (!(to.half in layers)) return `imports ${specifier}, which is outside the two halves`
  if (from.half !== to.half) {
    if (from.half === 'engine') return `imports ${target}: the engine does not know the planner`
    const open = doors[to.half] ?? []
    return open.includes(target) ? undefined : `imports ${target} instead of ${open.join(' or ')}`
  }
  if (doors[to.half]?.includes(target)) return `imports its own half's door, ${target}`
  if (doors[from.half]?.includes(path)) return undefined
  const order = layers[from.half] ?? []
  if (order.indexOf(to.folder) > order.indexOf(from.folder)) {
    return `imports ${target}: ${to.folder} lies above ${from.folder}`
  }
  return undefined
}

/** The files that load with `entry`, itself included: what it imports for values, and so on. */
export function loadedWith(files: readonly SourceFile[], entry: string): ReadonlySet<string> {
  const byPath = new Map(files.map((file) => [file.path, file]))
  const loaded = new Set([entry])
  for (const path of loaded) {
    const file = byPath.get(path)
    for (const { target, kind, typeOnly } of file === undefined ? [] : importsOf(file)) {
      if (target !== undefined && kind !== 'dynamic' && !typeOnly) loaded.add(target)
    }
  }
  return loaded
}

/** Every cycle among the files once, type imports included, as the path around it. */
export function cycleFindings(files: readonly SourceFile[]): Finding[] {
  const edges = new Map(
    files.map((file) => [
      file.path,
      importsOf(file).flatMap(({ target }) => (target === undefined ? [] : [target])),
    ]),
  )
  const findings: Finding[] = []
  const state = new Map<string, 'open' | 'done'>()
  const trail: string[] = []
  const visit = (path: string): void => {
    state.set(path, 'open')
    trail.push(path)
    for (const target of edges.get(path) ?? []) {
      if (state.get(target) === 'open') {
        const cycle = [...trail.slice(trail.indexOf(target)), target]
        findings.push({ path: target, message: `import cycle ${cycle.join(' → ')}` })
      } else if (edges.has(target) && !state.has(target)) {
        visit(target)
      }
    }
    trail.pop()
    state.set(path, 'done')
  }
  for (const path of edges.keys()) if (!state.has(path)) visit(path)
  return findings
}

/** Relative imports that name no file, or leave the ending away. */
export function danglingFindings(files: readonly SourceFile[]): Finding[] {
  const known = new Set(files.map((file) => file.path))
  return files.flatMap((file) =>
    importsOf(file)
      .filter(({ target }) => target !== undefined && !known.has(target))
      .map(({ specifier, line }) => ({
        path: file.path,
        line,
        message: `imports ${specifier}, which is not there`,
      })),
  )
}

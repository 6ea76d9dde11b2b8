/** Every foreign thing has one owner. This is the list; a new dependency of the product joins it. */
import { lineAt } from './code-view.ts'
import { importsOf } from './imports.ts'
import { type Finding, type SourceFile, viewOf } from './source-files.ts'

interface Owned {
  readonly what: string
  /** Matches an import specifier. */
  readonly module?: RegExp
  /** Matches code, comments and strings apart. */
  readonly code?: RegExp
  /** Paths that may use it. */
  readonly owner: RegExp
}

const mains = /^(engine|planner)\/cli\/main\.ts$/
const nobody = /^$/

export const owned: readonly Owned[] = [
  {
    what: 'node:fs',
    module: /^(node:)?fs(\/|$)/,
    owner: /^engine\/base\/(disk|blocking-file)\.ts$/,
  },
  { what: 'worker threads', module: /worker_threads$/, owner: /^engine\/base\/thread-pool\.ts$/ },
  { what: 'child processes', module: /child_process$/, owner: nobody },
  { what: 'hnswlib-node', module: /^hnswlib-node/, owner: /^engine\/ann\// },
  { what: 'canonicalize', module: /^canonicalize/, owner: /^engine\/base\/canonical-json\.ts$/ },
  { what: 'listr2', module: /^listr2/, owner: /^planner\/run\// },
  { what: 'ajv', module: /^ajv/, owner: /^planner\/plan\// },
  { what: 'yaml', module: /^yaml/, owner: /^planner\/plan\// },
  { what: 'croner', module: /^croner/, owner: /^planner\/plan\// },
  { what: 'echarts', module: /^echarts/, owner: /^planner\/chart\// },
  { what: 'diff', module: /^diff$/, owner: /^planner\/runbook\/compare\.ts$/ },
  { what: 'fflate', module: /^fflate/, owner: /^planner\/bundle\/zip\.ts$/ },
  { what: 'fastify', module: /^fastify/, owner: /^engine\/server\/http-server\.ts$/ },
  { what: 'prom-client', module: /^prom-client/, owner: /^engine\/server\/metrics\.ts$/ },
  { what: 'commander', module: /^commander/, owner: /^(engine|planner)\/cli\// },
  {
    what: 'execa',
    module: /^execa/,
    owner:
      /^(engine\/outside\/run-program|engine\/repository\/key-source|engine\/destination\/rsync-process)\.ts$/,
  },
  {
    what: 'the web',
    module: /^(node:)?(http|https|http2|tls|undici)(\/|$)/,
    owner:
      /^(planner\/schedule\/metrics-server|engine\/(outside\/(server-)?request|server\/http-server))\.ts$/,
  },
  {
    what: 'the name service',
    module: /^(node:)?dns(\/|$)/,
    owner: /^engine\/(outside\/request|base\/reach)\.ts$/,
  },
  {
    what: 'the AWS SDK',
    module: /^@(aws-sdk|smithy)\//,
    owner: /^engine\/destination\/s3(-[a-z-]+)?\.ts$/,
  },
  {
    what: 'the process',
    code: /\bprocess\s*\.\s*(argv|exit|exitCode|stdout|stderr|stdin|chdir)\b/g,
    owner: mains,
  },
  {
    what: 'the environment and the end',
    code: /\bprocess\s*\.\s*(env|on|once)\b/g,
    owner:
      /^((engine|planner)\/cli\/main|engine\/(destination\/rsync-process|outside\/process-group)|planner\/plan\/parse-worker)\.ts$/,
  },
  { what: 'node:process', module: /^(node:)?process$/, owner: nobody },
  { what: 'the console', code: /\bconsole\s*\.\s*\w+/g, owner: mains },
  {
    what: 'the clock',
    code: /\bDate\s*\.\s*now\b|\bnew\s+Date\s*(\(\s*\)|(?![\s(\w]))|\bDate\s*\(\s*\)|\bperformance\s*\.|\bhrtime\b/g,
    owner: /^engine\/base\/clock\.ts$/,
  },
  { what: 'Math.random', code: /\bMath\s*\.\s*random\b/g, owner: nobody },
  { what: 'eval', code: /\beval\s*\(|\bnew\s+Function\b/g, owner: nobody },
]

/** Uses of a foreign thing outside its owner. `dependencies`: names that must have an owner. */
export function ownerFindings(files: readonly SourceFile[]): Finding[] {
  return files.flatMap((file) => [...moduleFindings(file), ...codeFindings(file)])
}

function moduleFindings(file: SourceFile): Finding[] {
  return importsOf(file).flatMap(({ specifier, line }) => {
    const claim = owned.find((each) => each.module?.test(specifier))
    if (claim === undefined || claim.owner.test(file.path)) return []
    return [{ path: file.path, line, message: `uses ${claim.what} (${specifier})` }]
  })
}

function codeFindings(file: SourceFile): Finding[] {
  const { code } = viewOf(file)
  return owned.flatMap((each) => {
    if (each.code === undefined || each.owner.test(file.path)) return []
    return [...code.matchAll(each.code)].map((match) => ({
      path: file.path,
      line: lineAt(code, match.index),
      message: `uses ${each.what} (${match[0]})`,
    }))
  })
}

/** Packages imported without an owner in the list, or without being a dependency. */
export function strangerFindings(
  files: readonly SourceFile[],
  dependencies: readonly string[],
): Finding[] {
  return files.flatMap((file) =>
    importsOf(file).flatMap(({ specifier, target, line }) => {
      if (target !== undefined || specifier.startsWith('node:')) return []
      const name = specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/')
      const message = !dependencies.includes(name)
        ? `imports ${name}, which is not a dependency`
        : `imports ${name}, which has no owner`
      const known = owned.some((each) => each.module?.test(specifier))
      return known && dependencies.includes(name) ? [] : [{ path: file.path, line, message }]
    }),
  )
}

// Builds dist/ from the TypeScript sources and the schemas.
//
//   node .ci/build.mjs             always
//   node .ci/build.mjs --if-stale  only when a source changed since dist/ was built
//   node .ci/build.mjs --prepare   for npm: as --if-stale, and content without a compiler (see below)
//
// The compiler writes into a fresh directory that takes the place of dist/ last, so a failed build
// leaves the old one, and nobody ever runs a mixture of two.
//
// `npm ci --omit=dev` installs no compiler. --prepare then keeps a dist/ that is there and otherwise
// says what to do, without failing: an image that copies dist/ in after the install must be possible.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const dist = join(root, 'dist')
const stampFile = '.built-from'
const executables = ['engine/cli/main.js', 'planner/cli/main.js']

const prepare = process.argv.includes('--prepare')
const ifStale = prepare || process.argv.includes('--if-stale')

/** SHA-256 over everything the build reads; two equal stamps mean the same dist/. */
function sourceStamp() {
  const sources = ['engine', 'planner', 'schemas'].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true })
      .map(String)
      .filter((name) => name.endsWith('.ts') || name.endsWith('.json'))
      .map((name) => join(folder, name)),
  )
  const hash = createHash('sha256')
  for (const file of [
    '.ci/build.mjs',
    'tsconfig.json',
    'tsconfig.build.json',
    'package.json',
    ...sources.sort(),
  ]) {
    const bytes = readFileSync(join(root, file))
    hash.update(`${file}\0${bytes.length}\0`).update(bytes)
  }
  return hash.digest('hex')
}

const builtFrom = () => {
  const file = join(dist, stampFile)
  return existsSync(file) ? readFileSync(file, 'utf8') : undefined
}

/** The project's own compiler; one that happens to lie in a folder above is another version. */
function findCompiler() {
  const manifest = join(root, 'node_modules/typescript/package.json')
  if (!existsSync(manifest)) return undefined
  const { bin } = JSON.parse(readFileSync(manifest, 'utf8'))
  return join(dirname(manifest), bin.tsc)
}

/** The schemas of plans and of scripts are compiled here, so that no command needs to: schema-compiler.ts says how. */
async function compileSchemas(fresh) {
  const folder = join(fresh, 'planner/plan')
  const { validatorModule, scriptValidatorModule } = await import(
    pathToFileURL(join(folder, 'schema-compiler.js')).href
  )
  writeFileSync(join(folder, 'plan-validator.js'), await validatorModule())
  writeFileSync(join(folder, 'script-validator.js'), await scriptValidatorModule())
}

/**
 * The parser's thread becomes one file, the library that it uses included: whoever names a plan waits for it, and
 * sixty small files take longer to open than to run.
 */
async function bundleParser(fresh) {
  const { build: bundle } = await import('esbuild')
  const file = join(fresh, 'planner/plan/parse-worker.js')
  const license = readFileSync(join(root, 'node_modules/yaml/LICENSE'), 'utf8')
  await bundle({
    entryPoints: [file],
    outfile: file,
    allowOverwrite: true,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    // its ES modules, which it has for browsers: what nobody calls falls away, and calls need no detour
    alias: { yaml: join(root, 'node_modules/yaml/browser/dist/index.js') },
    banner: { js: `/* with yaml:\n${license}*/` },
    logLevel: 'warning',
  })
}

/** @returns the exit code. */
async function build(compiler, stamp) {
  const fresh = mkdtempSync(join(root, 'dist.'))
  try {
    const { status, error } = spawnSync(
      process.execPath,
      [compiler, '-p', 'tsconfig.build.json', '--outDir', fresh],
      { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] },
    )
    if (error) throw error
    if (status !== 0) return status ?? 1
    await compileSchemas(fresh)
    await bundleParser(fresh)
    for (const file of executables) chmodSync(join(fresh, file), 0o755)
    chmodSync(fresh, 0o755)
    writeFileSync(join(fresh, stampFile), stamp)
    takePlace(fresh)
    return 0
  } finally {
    rmSync(fresh, { recursive: true, force: true })
  }
}

/** Renames `fresh` to dist/. Another build may do the same at this moment: then the last one wins. */
function takePlace(fresh) {
  const old = `${fresh}.old`
  for (let attempt = 1; ; attempt++) {
    try {
      if (existsSync(dist)) renameSync(dist, old)
      renameSync(fresh, dist)
      break
    } catch (error) {
      if (attempt === 5) throw error
    } finally {
      rmSync(old, { recursive: true, force: true })
    }
  }
}

const stamp = sourceStamp()
const compiler = findCompiler()
if (ifStale && builtFrom() === stamp) {
  process.exitCode = 0
} else if (compiler === undefined && prepare) {
  const state = existsSync(dist) ? 'dist/ was kept as it is' : 'dist/ was not built'
  console.error(
    `${state}: no TypeScript here (npm ci without --omit=dev installs it, then npm run build)`,
  )
} else if (compiler === undefined) {
  console.error('TypeScript is not installed: run npm ci without --omit=dev')
  process.exitCode = 1
} else {
  process.exitCode = await build(compiler, stamp)
}

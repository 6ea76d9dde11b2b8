// Lets processes and worker threads that a test starts run the TypeScript sources directly. `--import tsx`
// alone does not reach worker threads on Node 20, and registering through its API in each of them takes five
// times as long as starting the thread does: a process transpiles the module of its threads once, with
// all that it imports, and starts them with that.
import { syncBuiltinESMExports } from 'node:module'
import { fileURLToPath } from 'node:url'
import threads from 'node:worker_threads'
import { buildSync } from 'esbuild'
import { register } from 'tsx/esm/api'

register()

const transpiled = new Map()

/** The module at `url` and what it imports, packages included, as one script. */
function scriptOf(url) {
  const known = transpiled.get(url.href)
  if (known !== undefined) return known
  const { outputFiles } = buildSync({
    entryPoints: [fileURLToPath(url)],
    bundle: true,
    write: false,
    platform: 'node',
    format: 'cjs',
    target: 'node20',
    // what is required by name is looked for from there
    define: { 'import.meta.url': JSON.stringify(url.href) },
    // what stacks call it
    footer: { js: `//# sourceURL=${url.href}` },
    logLevel: 'silent',
  })
  const script = outputFiles[0].text
  transpiled.set(url.href, script)
  return script
}

threads.Worker = class Worker extends threads.Worker {
  constructor(module, options) {
    if (module instanceof URL && module.pathname.endsWith('.ts')) {
      super(scriptOf(module), { ...options, eval: true, execArgv: [] })
    } else {
      super(module, options)
    }
  }
}
syncBuiltinESMExports()

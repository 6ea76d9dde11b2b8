/**
 * Parses a plan's text away from the main thread.
 *
 * A parser of YAML is the part that hostile input can hang or exhaust. It runs in a thread with a time
 * limit and a heap of its own; whatever happens to that thread, the caller gets problems, not a crash,
 * and the next plan gets a fresh thread.
 */
import { besideModule, isOperatingError, MiB, ThreadPool } from '../../engine/threads.ts'
import { planLimits } from './limits.ts'
import type { ParsedYaml } from './parse-yaml.ts'

const parserThread = new ThreadPool(besideModule(import.meta.url, 'parse-worker'), 1, {
  maxOldGenerationSizeMb: planLimits.parserHeapBytes / MiB,
  maxYoungGenerationSizeMb: planLimits.parserYoungBytes / MiB,
})

let restsAfterNext = false

/**
 * For a process that is about to read one plan: the thread starts while the rest is loaded, and goes once that
 * plan is read, beside other work; taking down its heap would hold up the end of the process.
 */
export function startParser(): void {
  restsAfterNext = true
  parserThread.start()
}

export interface ParserOptions {
  /** Threads of `parse-worker.ts`; by default the one of this process. */
  readonly threads?: ThreadPool
  readonly timeLimitMs?: number
}

export async function parsePlan(text: string, options: ParserOptions = {}): Promise<ParsedYaml> {
  const { threads = parserThread, timeLimitMs = planLimits.parseMs } = options
  try {
    const parsed = await threads.run<ParsedYaml>('parse', text, { timeLimitMs })
    if (restsAfterNext && threads === parserThread) {
      restsAfterNext = false
      threads.rest()
    }
    return parsed
  } catch (error) {
    return gaveUp(isOperatingError(error, 'limit-exceeded'), error)
  }
}

function gaveUp(tooLarge: boolean, error: unknown): ParsedYaml {
  const reason = error instanceof Error ? error.message : String(error)
  return {
    tooLarge,
    value: undefined,
    offsets: new Int32Array(),
    problems: [
      {
        rule: tooLarge ? 'too-large' : 'yaml-syntax',
        offset: 0,
        path: '',
        message: `the YAML parser gave up on this file: ${reason}`,
        hint: 'Look for generated or damaged parts; a plan is written for people to follow.',
      },
    ],
  }
}

/**
 * Every bound of reading a plan, named, in one place.
 *
 * YAML is a small program for its parser: a few kilobytes can cost minutes or the whole process. The
 * bounds are checked before the parser sees the text, far above any plan that a person can follow.
 */
import { KiB, MiB } from '../../engine/threads.ts'

const secondMs = 1_000
const dayMs = 24 * 60 * 60 * secondMs

export const planLimits = {
  /** Bytes of a plan file. One of 2,000 steps and 500 collections has 180 KiB in brackets and 310 KiB in lines. */
  fileBytes: 512 * KiB,
  /** Bytes of one artefact that is put into a bundle. */
  artefactBytes: 64 * MiB,
  /** Bytes of a runbook that is compared. */
  runbookBytes: 16 * MiB,
  /** Nesting of mappings and lists, brackets and indentation together. */
  depth: 50,
  /** `key:` in the whole file. */
  keys: 25_000,
  /** In all schedules, drills and procedures together. */
  steps: 4_000,
  /** Schedules, drills and procedures. */
  sequences: 1_000,
  anchors: 100,
  aliases: 100,
  /** Words and signs of YAML. A plan of 2,000 steps and 500 collections has about 110,000. */
  tokens: 200_000,
  /** Characters of one word or text: the parser keeps an object for every mistake in it. */
  tokenLength: 16 * KiB,
  /** Mappings, lists and values once aliases are followed. */
  values: 80_000,
  /** Problems reported at once; the rest is counted. */
  problems: 100,
  /** Time the parser may work on one file: many times what it needs for the largest, on a busy machine. */
  parseMs: 20 * secondMs,
  /** JavaScript heap of the parser's thread. */
  parserHeapBytes: 96 * MiB,
  /** Of new objects in it: nearly all of them stay to the end, and moving them often takes a tenth of all the time. */
  parserYoungBytes: 96 * MiB,
  /** Characters of one key that `did you mean` looks at. */
  suggestedLength: 100,
  /** Ten years: beyond it a duration is a slip of the pen. */
  durationMs: 3_650 * dayMs,
  /** A timeout or a pause: timers of the platform end at 24.8 days. */
  timeoutMs: 7 * dayMs,
  retryAttempts: 20,
  goldenSample: 10_000,
  goldenK: 100,
} as const

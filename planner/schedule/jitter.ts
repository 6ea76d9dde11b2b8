/**
 * Jitter: how much later than due a run starts. Not drawn but computed from plan, sequence and due
 * time, so that two hosts, a restart and a listing agree, and hosts with other plans spread out.
 */
import { sha256Hex } from '../../engine/index.ts'
import type { Timed } from './timed.ts'
import { keyOf } from './timed.ts'

const hexDigits = 12

/**
 * Whole milliseconds from 0 up to, not including, the sequence's jitter; never a whole period, so that
 * a run starts before the next one is due.
 * @param periodMs from this due time to the next
 */
export function jitterOf(plan: string, sequence: Timed, dueAt: number, periodMs: number): number {
  const boundMs = Math.min(sequence.jitterMs ?? 0, periodMs)
  if (boundMs <= 0) return 0
  const seed = sha256Hex(`${plan}\n${keyOf(sequence)}\n${dueAt}`).slice(0, hexDigits)
  return Math.floor((Number.parseInt(seed, 16) / 16 ** hexDigits) * boundMs)
}

/**
 * Random numbers that do not depend on the order in which they are asked for: each is a hash of the seed,
 * the trial and what it is for. The same seed gives the same numbers on every machine, and a change of the plan
 * leaves those of everything else alone, so that two simulations differ by the change only (common random
 * numbers; Law, Simulation Modeling and Analysis, 11.2).
 */
import { sha256Hex } from '../../engine/index.ts'

/** The finaliser found by Chris Wellons (lowbias32, 2018; public domain): each bit of 32 changes all others. */
function mix(value: number): number {
  let mixed = value
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x21f0aaad)
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97)
  return (mixed ^ (mixed >>> 15)) >>> 0
}

/** What all numbers of one trial start from. `seed`: 0 to 2³² − 1. */
export const trialKey = (seed: number, trial: number): number =>
  mix(mix(seed) + Math.imul(trial + 1, 0x9e3779b9))

/** The place of a number among those of a trial, by what it is for. */
export const slotOf = (purpose: string): number =>
  Number.parseInt(sha256Hex(purpose).slice(0, 8), 16)

/** Uniform, above 0 and below 1. @param index tells several numbers of one slot apart */
export const draw = (key: number, slot: number, index = 0): number =>
  (mix(mix(key ^ slot) + Math.imul(index + 1, 0x85ebca6b) + slot) + 0.5) / 2 ** 32

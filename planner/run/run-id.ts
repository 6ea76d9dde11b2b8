/** Ids of runs: the second of the start in UTC and four random hex digits. They sort by time. */
import { randomBytes } from 'node:crypto'

/** `20261123-020207-7f3a`: also a valid snapshot id and directory name. */
export function newRunId(startedAt: number): string {
  const digits = new Date(startedAt).toISOString().replace(/[-:]/g, '')
  return `${digits.slice(0, 8)}-${digits.slice(9, 15)}-${randomBytes(2).toString('hex')}`
}

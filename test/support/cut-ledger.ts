/** A ledger as a process leaves it that dies. */
import { readFile, writeFile } from 'node:fs/promises'
import { sha256Hex } from '../../engine/index.ts'

/**
 * Cuts the ledger behind the first entry that `last` says, with a head that fits: what was written when the
 * process died there.
 * @returns the id of its first run
 */
export async function cutLedger(
  ledger: string,
  last: (entry: Record<string, unknown>) => boolean,
): Promise<string> {
  const all = (await readFile(ledger, 'utf8')).trimEnd().split('\n')
  const entries = all.map((line) => JSON.parse(line) as Record<string, unknown>) // our own lines
  const at = entries.findIndex(last)
  if (at < 0) throw new Error('the ledger has no such entry')
  const lines = all.slice(0, at + 1)
  await writeFile(ledger, `${lines.join('\n')}\n`)
  const head = { head: 1, line: at + 1, sha256: sha256Hex(lines.at(-1) ?? '') }
  await writeFile(`${ledger}.head`, `${JSON.stringify(head)}\n`)
  return String(entries[0]?.['run'])
}

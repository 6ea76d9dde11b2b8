/** The formats that are imported, and how a file's name tells its format. */
import { extname } from 'node:path'
import { fail } from '../base/errors.ts'

export const inputFormats = ['jsonl', 'f32', 'fvecs', 'npy'] as const
export type InputFormat = (typeof inputFormats)[number]

const byExtension: Readonly<Record<string, InputFormat>> = {
  '.jsonl': 'jsonl',
  '.ndjson': 'jsonl',
  '.f32': 'f32',
  '.fvecs': 'fvecs',
  '.npy': 'npy',
}

/**
 * The format of a file by its extension.
 * @throws `usage` when the extension says nothing
 */
export function formatOf(file: string): InputFormat {
  return (
    byExtension[extname(file).toLowerCase()] ??
    fail(
      'usage',
      `the name ${file} does not tell its format`,
      `Say which one it is: --format ${inputFormats.join('|')}.`,
      { place: { file } },
    )
  )
}

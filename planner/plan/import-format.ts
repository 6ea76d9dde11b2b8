/** The format of a file of points, told by the ending of its name. */
import * as path from 'node:path'
import type { ImportFormat } from './step-inputs.ts'

const endings: ReadonlyMap<string, ImportFormat> = new Map([
  ['.jsonl', 'jsonl'],
  ['.ndjson', 'jsonl'],
  ['.f32', 'f32'],
  ['.fvecs', 'fvecs'],
  ['.npy', 'npy'],
])

export const formatOfFile = (file: string): ImportFormat | undefined =>
  endings.get(path.extname(file).toLowerCase())

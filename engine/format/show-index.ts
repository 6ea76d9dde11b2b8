/** The index of a collection in words, as people read it everywhere. */
import type { IndexSettings } from './config.ts'

/** `hnsw (m 16, efConstruction 200, ef 100)`, `ivf (256 lists, nprobe 16)` or `flat`. */
export function showIndex(index: IndexSettings): string {
  switch (index.kind) {
    case 'flat':
      return 'flat'
    case 'ivf':
      return `ivf (${index.lists} lists, nprobe ${index.nprobe})`
    case 'hnsw':
      return `hnsw (m ${index.m}, efConstruction ${index.efConstruction}, ef ${index.ef})`
    default:
      return index satisfies never
  }
}

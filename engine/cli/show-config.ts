/** A collection's config in words. */
import type { CollectionConfig, Durability, IndexSettings } from '../format/config.ts'

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

/** Says what a power cut may take, where it may take anything. */
export const showDurability = (durability: Durability): string =>
  durability.mode === 'always'
    ? 'always (a write is on the disk before it is acknowledged)'
    : `interval (a power cut may lose the last ${durability.intervalMs} ms of acknowledged writes and what came during one fsync; the death of the process alone loses nothing)`

/** `100 dimensions, cosine, hnsw (…)`. */
export const showConfig = ({ dimension, metric, index }: CollectionConfig): string =>
  `${dimension} dimensions, ${metric}, ${showIndex(index)}`

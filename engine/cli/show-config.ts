/** A collection's config in words. */
import type { CollectionConfig, Durability } from '../format/config.ts'
import { showIndex } from '../format/show-index.ts'

/** Says what a power cut may take, where it may take anything. */
export const showDurability = (durability: Durability): string =>
  durability.mode === 'always'
    ? 'always (a write is on the disk before it is acknowledged)'
    : `interval (a power cut may lose the last ${durability.intervalMs} ms of acknowledged writes and what came during one fsync; the death of the process alone loses nothing)`

/** `100 dimensions, cosine, hnsw (…)`. */
export const showConfig = ({ dimension, metric, index }: CollectionConfig): string =>
  `${dimension} dimensions, ${metric}, ${showIndex(index)}`

/** A collection's config in words. */
import type { CollectionConfig, IndexSettings } from '../format/config.ts'

/** `hnsw (m 16, efConstruction 200, ef 100)` or `flat`. */
export const showIndex = (index: IndexSettings): string =>
  index.kind === 'flat'
    ? 'flat'
    : `${index.kind} (m ${index.m}, efConstruction ${index.efConstruction}, ef ${index.ef})`

/** `100 dimensions, cosine, hnsw (…)`. */
export const showConfig = ({ dimension, metric, index }: CollectionConfig): string =>
  `${dimension} dimensions, ${metric}, ${showIndex(index)}`

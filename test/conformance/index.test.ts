import { describe } from 'vitest'
import { indexConformance } from './index.ts'

describe('a graph', () => {
  indexConformance({ index: 'hnsw' }, 'cosine', { index: 'graph' })
})

describe('inverted lists of the metric cosine', () => {
  indexConformance({ index: 'ivf' }, 'cosine', { index: 'lists' })
})

describe('inverted lists of the metric l2', () => {
  indexConformance({ index: 'ivf' }, 'l2', { index: 'lists' })
})

describe('inverted lists of the metric ip', () => {
  indexConformance({ index: 'ivf' }, 'ip', { index: 'lists' })
})

describe('a flat index', () => {
  indexConformance({ index: 'flat' }, 'l2', { index: 'scan' })
})

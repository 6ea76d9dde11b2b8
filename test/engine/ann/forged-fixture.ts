/** What the test of forged graphs and the process it starts agree on. */
export const forgedFixture = {
  shape: { count: 300, dimension: 16, seed: 9 },
  settings: { segment: 4, metric: 'cosine', m: 6, efConstruction: 40 },
  seed: 1,
} as const

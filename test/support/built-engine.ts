/**
 * The engine as built, for benchmarks: what users run, without a loader in its way. Build it first.
 */
type Engine = typeof import('../../engine/index.ts') & typeof import('../../engine/operations.ts')

export async function builtEngine(): Promise<Engine> {
  const built = (door: string) => new URL(`../../dist/engine/${door}.js`, import.meta.url).href
  const [index, operations] = await Promise.all([
    import(built('index')),
    import(built('operations')),
  ])
  return { ...index, ...operations } as Engine // dist/ is made from those very files
}

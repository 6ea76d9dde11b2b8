/**
 * The engine as built, for benchmarks: what users run, without a loader in its way. Build it first.
 */
type Engine = typeof import('../../engine/index.ts')

export async function builtEngine(): Promise<Engine> {
  const built = new URL('../../dist/engine/index.js', import.meta.url).href
  return (await import(built)) as Engine // dist/ is made from that very file
}

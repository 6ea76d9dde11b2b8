/** Properties with a seed of their own each time; a failure names seed and path, a pass names the seed. */
import * as fc from 'fast-check'

export async function checkProperty<T>(
  what: string,
  runs: number,
  property: fc.IRawProperty<T>,
): Promise<void> {
  const seed = Math.floor(Math.random() * 2 ** 31)
  await fc.assert(property, {
    seed,
    numRuns: runs,
    // a failure is shrunk for so long and no longer
    interruptAfterTimeLimit: 30_000,
    markInterruptAsFailure: true,
  })
  console.log(`${what}: ${runs} runs, seed ${seed}`)
}

/** Who is asked to stand by under a name that is not its own. */
import { expect, test } from 'vitest'
import { ReplicaWorld, replicated } from '../../support/replica-world.ts'
import { seededRandom } from '../../support/seeded-random.ts'

test('a node stands by under its own name only, and a primary is not asked to stand by itself', async () => {
  const world = new ReplicaWorld(seededRandom(13), ['n1', 'n2'])
  await world.build('async', 'async')
  const replicate = (name: string, url: string) =>
    world.ends(world.node('n1').replicate(replicated, { name, url }, { mode: 'sync' }))
  await expect(replicate('other', 'sim://n2')).rejects.toMatchObject({
    code: 'usage',
    message: 'the node that was named other calls itself n2',
  })
  await expect(replicate('other', 'sim://n1')).rejects.toMatchObject({
    code: 'usage',
    message: 'other is the primary itself',
  })
  expect((await world.node('n1').status(replicated)).members).toMatchObject([{ name: 'n2' }])
})

import { describe, expect, test } from 'vitest'
import { nodeDisk, systemClock } from '../../../engine/index.ts'
import { Secret } from '../../../planner/plan/secret.ts'
import { planLocationsThere } from '../../../planner/target/locations.ts'
import { servedTarget } from '../../../planner/target/served.ts'
import { importInto, placeOf, targetConformance, work } from '../../conformance/target.ts'
import { buildPlan, buildTarget } from '../../support/plan-builder.ts'
import { serving } from '../../support/serving.ts'
import { temporaryDirectory } from '../../support/temporary-directory.ts'

const there = planLocationsThere(buildPlan(), nodeDisk)

function targetAt(url: string, token?: string) {
  const { name, domains, place } = buildTarget('primary')
  const kind = 'vectra-server'
  const secret = token === undefined ? {} : { token: new Secret('VECTRA_TOKEN', token) }
  return servedTarget({ kind, url, name, domains, place, ...secret }, nodeDisk, systemClock, there)
}

describe('the bundled engine, served', () =>
  targetConformance(() => placeOf(async (data) => targetAt((await serving(data)).url))))

test('a server that wants a token is answered with the plan’s, or refuses', async () => {
  const rules = { token: 'of eight or more', tls: false, insecureHttp: false }
  const { url } = await serving(await temporaryDirectory(), { rules })
  const wanted = { code: 'credential-refused', exitCode: 17 }
  await expect(targetAt(url).position('c', work)).rejects.toMatchObject(wanted)
  await expect(targetAt(url, 'another').position('c', work)).rejects.toMatchObject(wanted)
  const known = targetAt(url, 'of eight or more').position('c', work)
  await expect(known).rejects.toMatchObject({ code: 'collection-not-found' })
})

test('writing along ends when the server is gone, and says so; what never began fails', async () => {
  const server = await serving(await temporaryDirectory())
  const target = targetAt(server.url)
  const here = await placeOf(() => target)
  await importInto(here)
  const remarks: string[] = []
  let acknowledged = 0
  const request = {
    ...{ collection: 'c', keepOpen: false },
    point: (number: number) => ({ id: `w${number}`, vector: [number, 1, 2], metadata: {} }),
    async acknowledged() {
      if (++acknowledged === 3) await server.close()
      return 'next' as const
    },
  }
  await target.writeAlong(request, { ...work, remark: (text) => remarks.push(text) })
  expect(acknowledged).toBe(3)
  expect(remarks).toEqual([expect.stringContaining('does not answer')])
  await expect(target.writeAlong(request, work)).rejects.toMatchObject({ code: 'unreachable' })
})

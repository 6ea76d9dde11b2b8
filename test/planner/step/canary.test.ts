import { readFile, writeFile } from 'node:fs/promises'
import * as path from 'node:path'
import { expect, test } from 'vitest'
import type { StepRecord } from '../../../planner/step/record.ts'
import { dr, smallPlan } from '../../support/dr-command.ts'

/** A drill of the small plan that begins with a backup and a canary. */
const withCanary = (then: string) =>
  smallPlan((text) =>
    text.replace(
      /drills:[\s\S]*$/,
      `drills:
  lost:
    proves: [rpo]
    confirm: true
    steps:
      - import: { target: local, collection: points, file: ./data/points.jsonl, format: jsonl }
      - backup: { collections: [points], to: backups, id: "points_\${run}" }
      - canary: { target: local, collection: points, rate: 500/s }
${then}
      - check: { target: local, collection: points, against: snapshot, count: equal, digest: equal, canary: true }
`,
    ),
  )

const inject = '      - inject: { fault: drop-collection, target: local, collection: points }\n'
const restore = (what: string) =>
  `      - restore: { from: [backups], collection: points, ${what}, into: local }`

async function drill({ file, state }: { readonly file: string; readonly state: string }) {
  const { exitCode, stderr, objects } = await dr(['drill', file, '--yes', '--json'])
  const lines = (await readFile(path.join(state, 'ledger.jsonl'), 'utf8')).trimEnd().split('\n')
  const records = lines.flatMap((line): StepRecord[] => {
    const entry = JSON.parse(line)
    return entry.kind === 'step' ? [entry.record] : []
  })
  const of = (kind: string) => records.find((each) => each.kind === kind)
  return { exitCode, stderr, last: objects().at(-1), records, of }
}

test('what was acknowledged after the last backup is counted, and is the measured RPO', async () => {
  const { exitCode, last, of, records } = await drill(
    await withCanary(inject + restore('snapshot: latest')),
  )
  const canary = of('canary')?.outputs ?? {}
  const written = Number(canary['written'])
  expect(written).toBeGreaterThan(0)
  // it went on beside the disaster, and not beyond it
  const disasterAt = String(of('inject')?.outputs['disasterAt'])
  expect(Date.parse(String(canary['lastAcknowledgedAt']))).toBeLessThanOrEqual(
    Date.parse(disasterAt),
  )
  expect(of('inject')?.outputs['lastAcknowledged']).toMatchObject({ lsn: canary['lastLsn'] })
  const firstAt = Date.parse(String(canary['firstAt']))
  const lossMs = Date.parse(disasterAt) - firstAt
  expect(of('check')?.outputs['canary']).toEqual({
    written,
    missing: written,
    lossMs,
    asOfAt: canary['firstAt'],
  })
  expect(of('check')?.remarks[0]).toMatch(
    new RegExp(`^${written} of ${written} acknowledged canary points are missing, .* before`),
  )
  expect(records.map(({ outcome }) => outcome)).not.toContain('failed')
  expect(exitCode).toBe(0)
  const { audit } = last as { audit: { verdicts: { actual: number; objective: string }[] } }
  const rpo = audit.verdicts.find(({ objective }) => objective === 'rpo')
  expect(rpo).toMatchObject({ verdict: 'met' })
  // by positions it may be more: from the last moment at which the source was seen at the snapshot
  expect(rpo?.actual).toBeGreaterThanOrEqual(lossMs)
})

test('what an archive brought back is found, and taken out before anything is compared', async () => {
  const archive = '      - archive: { collections: [points], to: backups }\n'
  const { exitCode, stderr, of } = await drill(
    await withCanary(archive + inject + restore('at: latest')),
  )
  expect(stderr).not.toContain('error')
  expect(exitCode).toBe(0)
  const { written, missing } = Object(of('check')?.outputs['canary'])
  expect(missing).toBeLessThan(written)
  expect(of('check')?.outputs['count']).toBe(50)
})

test('a check that has no canary to count fails', async () => {
  const plan = await withCanary(inject + restore('snapshot: latest'))
  const text = (await readFile(plan.file, 'utf8')).replace(/ *- canary:.*\n/, '')
  await writeFile(plan.file, text)
  const { exitCode, of } = await drill(plan)
  expect(exitCode).toBe(15)
  expect(of('check')?.error?.message).toContain('no canary of this run wrote to points')
})

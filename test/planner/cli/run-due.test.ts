import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import * as path from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { nodeDisk, systemClock } from '../../../engine/index.ts'
import { DirectoryLock } from '../../../engine/operations.ts'
import { dr } from '../../support/dr-command.ts'
import { manualClock } from '../../support/manual-clock.ts'
import { ledgerLines, runsIn, stamp, timedPlan } from '../../support/timed-plan.ts'

const at = (text: string) => ({ clock: manualClock(Date.parse(text)) })
const nightly = (more = '') => `  nightly:
    cron: "30 2 * * *"
${more}    steps:
      ${stamp}
`

test('what is due runs once, and ${date} is its due time in its zone', async () => {
  const { file, state } = await timedPlan(nightly())
  const before = await dr(['run', file, '--due'], at('2026-11-26T01:29:59Z'))
  expect(before).toMatchObject({ exitCode: 0 })
  expect(before.stdout).toBe(
    'nothing is due; next is schedule nightly at 2026-11-26 02:30:00 +01:00, in 1 s\n',
  )
  const due = await dr(['run', file, '--due'], at('2026-11-26T01:34:00Z'))
  expect(due).toMatchObject({ exitCode: 0 })
  expect(await runsIn(state)).toEqual([['nightly', '2026-11-26T01:30:00.000Z']])
  const step = (await ledgerLines(state)).find(({ kind }) => kind === 'step')
  expect(JSON.stringify(step)).toContain('20261126 023000')
  const again = await dr(['run', file, '--due', '--json'], at('2026-11-26T01:35:00Z'))
  expect(again.objects().at(-1)).toMatchObject({
    outcome: 'done',
    due: 0,
    runs: [],
    nextDueAt: '2026-11-27T01:30:00.000Z',
  })
  expect(await runsIn(state)).toHaveLength(1)
})

test('case 42: after three days without anybody a missed run is made up for once, or told', async () => {
  const both = `${nightly('    catchUp: true\n')}${nightly().replace('nightly', 'weekly').replace('"30 2 * * *"', '"10 2 * * *"')}`
  const { file, state } = await timedPlan(both)
  await dr(['run', file, '--due'], at('2026-11-23T01:10:00Z'))
  await dr(['run', file, '--due'], at('2026-11-23T01:30:00Z'))
  expect(await runsIn(state)).toHaveLength(2)
  const woken = await dr(['run', file, '--due'], at('2026-11-26T09:00:00Z'))
  expect(woken.stderr).toContain(
    'schedule nightly catches up on its missed run of 2026-11-26 02:30:00 +01:00; it stands for 2 earlier ones too',
  )
  expect(woken.stderr).toContain(
    'schedule weekly missed its run of 2026-11-26 02:10:00 +01:00; catchUp is not set',
  )
  expect((await runsIn(state)).slice(2)).toEqual([['nightly', '2026-11-26T01:30:00.000Z']])
  expect((await dr(['run', file, '--due'], at('2026-11-26T09:01:00Z'))).stdout).toContain(
    'nothing is due',
  )
})

test('case 40: a clock set back by an hour runs nothing a second time', async () => {
  const { file, state } = await timedPlan(nightly('    catchUp: true\n'))
  await dr(['run', file, '--due'], at('2026-11-26T01:30:00Z'))
  for (const now of ['2026-11-26T00:31:00Z', '2026-11-26T01:30:00Z', '2026-11-26T02:00:00Z']) {
    expect((await dr(['run', file, '--due'], at(now))).stdout).toContain('nothing is due')
  }
  expect(await runsIn(state)).toHaveLength(1)
})

test('while a run of the plan is under way nothing else runs, and exit 11 says who holds it', async () => {
  const { file, state } = await timedPlan(nightly())
  const lock = await (async () => {
    await nodeDisk.makeDirectory(state)
    await nodeDisk.makeDirectory(path.join(state, 'locks'))
    await nodeDisk.makeDirectory(path.join(state, 'locks', 'small'))
    return DirectoryLock.take(nodeDisk, systemClock, path.join(state, 'locks', 'small'))
  })()
  onTestFinished(() => lock.release())
  const result = await dr(['run', file, '--due'], at('2026-11-26T01:30:00Z'))
  expect(result).toMatchObject({ exitCode: 11 })
  expect(result.stderr).toContain('a run of plan small is under way')
  expect(await runsIn(state)).toEqual([])
})

test('one that fails keeps no other from running, and one that needs a yes is not run without', async () => {
  const failing = nightly().replace('nightly', 'broken').replace('-e, "0"', '-e, "process.exit(3)"')
  const drill = `drills:\n  risky:\n    cron: "29 2 * * *"\n    confirm: true\n    steps:\n      ${stamp}\n`
  const { file, state } = await timedPlan(failing.replace('30 2', '28 2') + nightly(), drill)
  const result = await dr(['run', file, '--due'], at('2026-11-26T01:30:00Z'))
  expect(result).toMatchObject({ exitCode: 15 })
  expect(result.stderr).toContain('schedule broken failed at step exec')
  expect(result.stderr).toContain('drill risky is due and touches production data')
  expect((await runsIn(state)).map(([name]) => name)).toEqual(['broken', 'nightly'])
  expect(await dr(['run', file, '--due', '--yes'], at('2026-11-26T01:31:00Z'))).toMatchObject({
    exitCode: 0,
  })
  expect((await runsIn(state)).map(([name]) => name)).toEqual(['broken', 'nightly', 'risky'])
})

test('what is due and asks a person runs with the answer given beforehand, and not at all without', async () => {
  const people =
    'people:\n  roles: { boss: { primary: ada } }\n  contacts: { ada: { name: Ada } }\n'
  const asking = nightly()
    .replace('nightly', 'asking')
    .replace('steps:\n', 'steps:\n      - approve: { by: boss, question: "Now?" }\n')
  const { file, state } = await timedPlan(asking + nightly().replace('30 2', '31 2'), people)
  const run = (now: string, ...answers: string[]) =>
    dr(['run', file, '--due', ...answers.flatMap((each) => ['--answer', each])], at(now))
  const unanswered = await run('2026-11-26T01:30:00Z')
  expect(unanswered).toMatchObject({ exitCode: 2 })
  expect(unanswered.stderr).toContain('--answer approve=yes@ada')
  expect(await runsIn(state)).toEqual([])
  // an answer to a step that is nowhere is a mistake; one to a step that is not due waits
  expect((await run('2026-11-26T01:30:01Z', 'aprove=yes@ada')).stderr).toContain('no step aprove')
  expect(await run('2026-11-26T01:30:02Z', 'approve=yes@ada')).toMatchObject({ exitCode: 0 })
  expect(await run('2026-11-26T01:31:00Z', 'approve=yes@ada')).toMatchObject({ exitCode: 0 })
  expect((await runsIn(state)).map(([name]) => name)).toEqual(['asking', 'nightly'])
})

test('a heartbeat follows a success and only that, and hides nothing when it fails', async () => {
  const asked: string[] = []
  let status = 200
  const server = createServer((request, response) => {
    asked.push(request.url ?? '')
    response.writeHead(status, { location: '/elsewhere' }).end()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  // listen() on a host and port gives an address with a port
  const { port } = server.address() as AddressInfo
  const { file } = await timedPlan(
    nightly(`    heartbeat: "http://127.0.0.1:${port}/nightly"\n`).replace(
      '"0"',
      '"process.exit(Number(process.argv[1] === \'20261128 023000\'))"',
    ),
  )
  expect(await dr(['run', file, '--due'], at('2026-11-26T01:30:00Z'))).toMatchObject({
    exitCode: 0,
    stderr: expect.not.stringContaining('heartbeat'),
  })
  status = 302
  const unheard = await dr(['run', file, '--due'], at('2026-11-27T01:30:00Z'))
  expect(unheard).toMatchObject({ exitCode: 0 })
  expect(unheard.stderr).toContain(
    'schedule nightly passed, but its heartbeat did not get through: it was answered with status 302',
  )
  expect(await dr(['run', file, '--due'], at('2026-11-28T01:30:00Z'))).toMatchObject({
    exitCode: 15,
  })
  expect(asked).toEqual(['/nightly', '/nightly'])
})

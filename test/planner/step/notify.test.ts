import { expect, test } from 'vitest'
import { fail, systemTimer } from '../../../engine/index.ts'
import type { Channel } from '../../../planner/plan/people.ts'
import { notify } from '../../../planner/step/notify.ts'
import { buildPlan, buildTask, buildTree, somewhere, text } from '../../support/plan-builder.ts'
import { runBench } from '../../support/run-bench.ts'
import { stepBench } from '../../support/step-bench.ts'
import { webServer } from '../../support/web-server.ts'

const shared = { name: 'ops', allowPrivate: false, place: somewhere }
const webhook = (url: string): Channel => ({ kind: 'webhook', ...shared, url: text(url) })
const program = (code: string): Channel => ({
  kind: 'exec',
  ...shared,
  command: [text(process.execPath), text('-e'), text(code)],
})

const planOf = (channel: Channel) => {
  const plan = buildPlan({ directory: '/tmp' })
  return { ...plan, people: { ...plan.people, channels: new Map([['ops', channel]]) } }
}

const input = (message: string) => ({ channel: 'ops', message: text(message) })

test('a webhook gets the message as JSON, with secrets masked', async () => {
  const { port, received } = await webServer((response) => response.end('ok'))
  const { context } = stepBench({
    plan: planOf(webhook(`http://127.0.0.1:${port}/hook`)),
    redact: (line) => line.replaceAll('swordfish', '***'),
  })
  const { outputs, error } = await notify.run(input('failed: "ä" swordfish'), context)
  expect(error).toBeUndefined()
  expect(outputs).toEqual({ channel: 'ops', sentAt: expect.stringMatching(/Z$/) })
  expect(received).toMatchObject([
    {
      method: 'POST',
      url: '/hook',
      headers: { 'content-type': 'application/json; charset=utf-8' },
    },
  ])
  expect(JSON.parse(received[0]?.body ?? '')).toEqual({ text: 'failed: "ä" ***' })
})

test('a webhook that does not take the message fails the step without its address', async () => {
  const { port } = await webServer((response) => {
    response.writeHead(410).end('gone')
  })
  const { context } = stepBench({ plan: planOf(webhook(`http://127.0.0.1:${port}/T0K3N`)) })
  const { outputs, error } = await notify.run(input('x'), context)
  expect(outputs['sentAt']).toBeNull()
  expect(error?.message).toBe('channel ops answered 410: the message was not taken')
})

test('a program gets the message in its environment, whatever is in it', async () => {
  const nasty = '-rf; $(touch pwned)\n`x`'
  const bench = stepBench({
    plan: planOf(program('console.log(JSON.stringify([process.env, process.argv.length]))')),
  })
  const { error } = await notify.run(input(nasty), bench.context)
  expect(error).toBeUndefined()
  const [env, words] = JSON.parse(bench.kept.get('stdout.txt') ?? '')
  expect(env).toMatchObject({ VECTRA_MESSAGE: nasty, VECTRA_CHANNEL: 'ops', VECTRA_PLAN: 'test' })
  expect(words).toBe(1)
})

test('a program that fails, fails the step', async () => {
  const { context } = stepBench({ plan: planOf(program('process.exit(3)')) })
  const { outputs, error } = await notify.run(input('x'), context)
  expect(outputs['sentAt']).toBeNull()
  expect(error?.code).toBe('command-failed')
})

test('a program that hangs is ended', async () => {
  const bench = stepBench({
    plan: planOf(program("console.log('up'); setInterval(() => {}, 1000)")),
    timer: {
      after: (milliseconds, act) => {
        if (milliseconds === 30_000) giveUp = act
        return () => {}
      },
    },
    remark: () => giveUp(),
  })
  let giveUp = () => {}
  await expect(notify.run(input('x'), bench.context)).rejects.toThrow('did not end within 30 s')
})

test('a notification that fails never hides the failure that it reports', async () => {
  const { port, received } = await webServer((response, { url }) => {
    response.writeHead(url === '/well' ? 200 : 500).end()
  })
  const bench = runBench({ timer: systemTimer })
  const tell = (id: string, url: string, when: 'failure' | 'always') => {
    const message = text('failed: ${run.error}', [
      { kind: 'text', text: 'failed: ' },
      { kind: 'run.error' },
    ])
    return buildTask(
      id,
      (context) =>
        notify.run({ channel: 'ops', message }, { ...context, plan: planOf(webhook(url)) }),
      { stepKind: 'notify', when, onFailure: 'continue' },
    )
  }
  const base = `http://127.0.0.1:${port}`
  const result = await bench.run(
    buildTree({
      steps: [buildTask('backup', async () => fail('damaged', 'the disk is sick', ''))],
      always: [
        tell('refused', 'http://169.254.169.254/', 'failure'),
        tell('sick', `${base}/sick`, 'failure'),
        tell('well', `${base}/well`, 'always'),
        buildTask('tidy'),
      ],
    }),
  )
  expect(result.outcome).toBe('failed')
  expect(result.error).toMatchObject({ code: 'damaged', message: 'the disk is sick' })
  expect(result.records.map(({ step, outcome, error }) => [step, outcome, error?.code])).toEqual([
    ['backup', 'failed', 'damaged'],
    ['refused', 'failed', 'address-refused'],
    ['sick', 'failed', 'unexpected-answer'],
    ['well', 'passed', undefined],
    ['tidy', 'passed', undefined],
  ])
  expect(received.map(({ body }) => JSON.parse(body))).toEqual([
    { text: 'failed: the disk is sick' },
    { text: 'failed: the disk is sick' },
  ])
})

import { expect, test } from 'vitest'
import { OperatingError } from '../../../engine/index.ts'
import type { HttpInput } from '../../../planner/plan/step-inputs.ts'
import { http } from '../../../planner/step/http.ts'
import { probe } from '../../../planner/step/probe.ts'
import { manualClock } from '../../support/manual-clock.ts'
import { manualTimer, settle } from '../../support/manual-timer.ts'
import { text } from '../../support/plan-builder.ts'
import { stepBench } from '../../support/step-bench.ts'
import { type Answer, webServer } from '../../support/web-server.ts'

const inputOf = (port: number, changes: Partial<HttpInput> = {}): HttpInput => ({
  method: 'GET',
  url: text(`http://127.0.0.1:${port}/reload`),
  headers: new Map(),
  expect: {},
  allowPrivate: false,
  ...changes,
})

const status =
  (code: number, body = ''): Answer =>
  (response) => {
    response.writeHead(code).end(body)
  }

test('a request is sent as the plan writes it', async () => {
  const { port, received } = await webServer(status(204))
  const { outputs, error } = await http.run(
    inputOf(port, {
      method: 'POST',
      headers: new Map([['X-Team', text('search')]]),
      body: text('{"a": "ä"}'),
      expect: { status: 204 },
    }),
    stepBench().context,
  )
  expect(error).toBeUndefined()
  expect(outputs).toEqual({ status: 204, body: '', bodyBytes: 0, cut: false })
  expect(received).toMatchObject([
    {
      method: 'POST',
      url: '/reload',
      body: '{"a": "ä"}',
      headers: { 'x-team': 'search', 'user-agent': 'vectra-dr', 'content-length': '11' },
    },
  ])
})

test.each([
  [200, undefined, true],
  [299, undefined, true],
  [304, undefined, false],
  [404, undefined, false],
  [404, 404, true],
  [200, 204, false],
  [500, undefined, false],
])('an answer %i where %s is expected passes: %s', async (code, wanted, passes) => {
  const { port } = await webServer(status(code))
  const input = inputOf(port, { expect: wanted === undefined ? {} : { status: wanted } })
  const { outputs, error } = await http.run(input, stepBench().context)
  expect(outputs['status']).toBe(code)
  expect(error?.code).toBe(passes ? undefined : 'unexpected-answer')
})

test('an answer that was not expected is kept, with secrets masked', async () => {
  const { port } = await webServer(status(500, 'no such token: swordfish'))
  const bench = stepBench({ redact: (line) => line.replaceAll('swordfish', '***') })
  const { outputs, error } = await http.run(inputOf(port), bench.context)
  expect(outputs['body']).toBe('no such token: ***')
  expect(bench.kept.get('answer.txt')).toBe('no such token: ***')
  expect(error?.message).toMatch(
    /^GET http:\/\/127\.0\.0\.1:\d+\/reload answered 500, not 200 to 299$/,
  )
})

test('a secret at the place where a long answer was cut is left out', async () => {
  const { port } = await webServer(status(200, `${'x'.repeat(65_531)}swordfish`))
  const bench = stepBench({ redact: (line) => line.replaceAll('swordfish', '***') })
  const { outputs } = await http.run(inputOf(port), bench.context)
  expect(outputs['cut']).toBe(true)
  expect(bench.kept.get('answer.txt')).not.toContain('sword')
})

test('a redirect says that nothing follows it', async () => {
  const { port } = await webServer((response) => {
    response.writeHead(302, { location: '/elsewhere' }).end()
  })
  const { error } = await http.run(inputOf(port), stepBench().context)
  expect(error?.hint).toContain('points to another address')
})

function probeBench() {
  const clock = manualClock()
  const timer = manualTimer(clock)
  return { ...stepBench({ clock, timer }), clock, timer }
}

/** Lets time pass, a second at a turn, until the work is over. */
async function passUntil<T>(timer: { pass(ms: number): Promise<void> }, work: Promise<T>) {
  let over = false
  const done = work.finally(() => {
    over = true
  })
  done.catch(() => {})
  while (!over) {
    await settle()
    await timer.pass(250)
  }
  return done
}

test('a probe asks until the service answers', async () => {
  let asked = 0
  const { port, received } = await webServer((response) => {
    asked += 1
    response.writeHead(asked < 3 ? 503 : 200).end()
  })
  const { context, timer, remarks } = probeBench()
  const input = { ...inputOf(port), withinMs: 600_000 }
  const { outputs, error } = await passUntil(timer, probe.run(input, context))
  expect(error).toBeUndefined()
  expect(outputs).toMatchObject({ status: 200, attempts: 3 })
  expect(received).toHaveLength(3)
  expect(remarks).toEqual(['it answered 503', 'answered 200 at try 3'])
})

test('a probe gives up when its time is over, and says what it saw last', async () => {
  const { port } = await webServer(status(503))
  const { context, timer } = probeBench()
  const input = { ...inputOf(port), expect: { status: 200 }, withinMs: 2_500 }
  const { outputs, error } = await passUntil(timer, probe.run(input, context))
  expect(outputs).toMatchObject({ status: 503 })
  expect(error).toMatchObject({
    code: 'unexpected-answer',
    message: expect.stringMatching(
      /did not answer 200 within 2.5 s \(\d questions?\): at last it answered 503$/,
    ),
  })
})

test('a probe of a port where nothing listens goes on asking', async () => {
  const { context, timer } = probeBench()
  const input = { ...inputOf(1), withinMs: 3_000 }
  const { outputs, error } = await passUntil(timer, probe.run(input, context))
  expect(outputs['status']).toBeNull()
  expect(error?.message).toContain('cannot be reached: ECONNREFUSED')
})

test('a probe of an address that is refused ends at once', async () => {
  const { context } = probeBench()
  const input = { ...inputOf(1), url: text('http://169.254.169.254/'), withinMs: 600_000 }
  await expect(probe.run(input, context)).rejects.toMatchObject({ code: 'address-refused' })
})

test('a probe that is stopped ends with the reason', async () => {
  const { port } = await webServer(status(503))
  const bench = stepBench({
    remark: () => bench.stop.abort(new OperatingError('interrupted', 'stopped by SIGINT', '')),
  })
  const input = { ...inputOf(port), withinMs: 600_000 }
  await expect(probe.run(input, bench.context)).rejects.toThrow('stopped by SIGINT')
})

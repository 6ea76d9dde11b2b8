import { expect, test } from 'vitest'
import { OperatingError } from '../../../engine/index.ts'
import type { TaskTree } from '../../../planner/compile/task.ts'
import { renderJson } from '../../../planner/run/render-json.ts'
import { renderLines } from '../../../planner/run/render-lines.ts'
import { renderTree } from '../../../planner/run/render-tree.ts'
import type { Renderer, Screen } from '../../../planner/run/renderer.ts'
import { buildTask, buildTree, sideBySide, type Work } from '../../support/plan-builder.ts'
import { runBench } from '../../support/run-bench.ts'

function screenOf(columns = 100): Screen & { text(): string } {
  let text = ''
  return {
    write: (part) => {
      text += part
    },
    columns,
    rows: 40,
    text: () => text,
  }
}

async function runWith(tree: TaskTree, make: (bench: ReturnType<typeof runBench>) => Renderer) {
  let renderer: Renderer | undefined
  const bench = runBench({ observe: (event) => renderer?.observe(event) })
  renderer = make(bench)
  await bench.run(tree)
  await renderer.close()
}

const talking: Work = async ({ remark, progress }) => {
  progress({ phase: 'upload', unit: 'bytes', done: 512, total: 1_024 })
  remark('half-way \u001b[31mred\u001b[0m')
  return { outputs: {} }
}
const failing: Work = async () => ({
  outputs: {},
  error: new OperatingError('check-failed', 'recall is too low', 'Look.'),
})

const tree = () =>
  buildTree({
    steps: [
      buildTask('load', talking),
      sideBySide(buildTask('left'), buildTask('right')),
      buildTask('check', failing),
      buildTask('never'),
    ],
    always: [buildTask('tidy')],
  })

test('plain lines tell starts, remarks and ends, and nothing a terminal would obey', async () => {
  const screen = screenOf()
  await runWith(tree(), (bench) => renderLines(screen, bench.clock))
  expect(screen.text()).toMatchInlineSnapshot(`
    "drill restore-test of plan test, run 20260101-000000-0000
      start   load: Do load
              half-way \\u001b[31mred\\u001b[0m
      ok      load (0 ms)
      start   left: Do left
      start   right: Do right
      ok      left (0 ms)
      ok      right (0 ms)
      start   check: Do check
      FAILED  check (0 ms): recall is too low
      skip    never
    clean-up
      start   tidy: Do tidy
      ok      tidy (0 ms)
    run 20260101-000000-0000 failed in 0 ms
    "
  `)
})

test('JSON lines are one object each', async () => {
  const screen = screenOf()
  await runWith(tree(), (bench) => renderJson(screen, bench.clock))
  const objects = screen
    .text()
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))
  expect(objects[0]).toMatchObject({ event: 'run-started', plan: 'test' })
  expect(objects.filter(({ event }) => event === 'step-ended')).toHaveLength(6)
  expect(objects.find(({ event }) => event === 'progress')).toMatchObject({
    step: 'load',
    done: 512,
  })
  expect(objects.at(-1)).toMatchObject({ event: 'run-ended', outcome: 'failed' })
})

test('the tree shows every step with its time, the remarks, and why one failed', async () => {
  const screen = screenOf()
  await runWith(tree(), () => renderTree(screen, () => 0))
  const last = screen.text().split('\u001b[?25l').at(-1) ?? ''
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the escape codes of the drawing
  const plain = last.replace(/\u001b\[[0-9;?]*[A-Za-z]/g, '')
  expect(plain).toContain('load: Do load  [0 ms]')
  expect(plain).toContain('half-way')
  expect(plain).toContain('left: Do left  [0 ms]')
  expect(plain).toContain('recall is too low')
  expect(plain).toContain('never: Do never  [skipped]')
  expect(plain).toContain('tidy: Do tidy  [0 ms]')
  expect(screen.text()).not.toContain('\u001b[31mred')
  expect(screen.text().endsWith('\u001b[?25h')).toBe(true)
})

test('a run that is stopped early leaves no tree waiting', async () => {
  const screen = screenOf()
  let renderer: Renderer | undefined
  const bench = runBench({ observe: (event) => renderer?.observe(event) })
  renderer = renderTree(screen, () => 0)
  bench.stop.abort(new OperatingError('interrupted', 'interrupted', ''))
  await bench.run(buildTree({ steady: [buildTask('s')], steps: [buildTask('a')] }))
  await renderer.close()
  expect(screen.text()).toContain('a: Do a  [skipped]')
})

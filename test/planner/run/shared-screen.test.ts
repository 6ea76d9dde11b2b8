import { expect, test } from 'vitest'
import { renderTree } from '../../../planner/run/render-tree.ts'
import { settle } from '../../support/manual-timer.ts'
import { buildTask, buildTree } from '../../support/plan-builder.ts'
import { runBench } from '../../support/run-bench.ts'

/** A terminal as far as listr2 uses one: rows of text, and what erases them. */
function terminal() {
  const rows: string[] = ['']
  const obey = (code: string) => {
    if (code === '\u001b[2K') rows[rows.length - 1] = ''
    if (code === '\u001b[1A') rows.pop()
  }
  return {
    columns: 200,
    rows: 60,
    write(text: string) {
      // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what terminals obey
      for (const part of text.split(/(\u001b\[[0-9;?]*[A-Za-z])/)) {
        if (part.startsWith('\u001b')) obey(part)
        else
          for (const [index, line] of part.split('\n').entries()) {
            if (index > 0) rows.push('')
            rows[rows.length - 1] += line
          }
      }
    },
    shown: () => rows.join('\n'),
  }
}

test('a question and its answer stay on the screen, whole, and the tree goes on below', async () => {
  const screen = terminal()
  const renderer = renderTree(screen, () => 0)
  /** listr2 draws on turns of its own. */
  const drawn = async (times: number) => {
    while (screen.shown().split('approve: Do approve').length <= times) await settle()
  }
  const bench = runBench({ observe: (event) => renderer.observe(event) })
  await bench.run(
    buildTree({
      steps: [
        buildTask('before'),
        buildTask('approve', async (context) => {
          await drawn(1)
          await renderer.aside(async () => {
            screen.write('Fail over? Type yes or no: ')
            for (let i = 0; i < 3; i++) {
              context.remark(`frame ${i}`)
              await settle()
            }
            screen.write('yes\n')
          })
          await drawn(2)
          return { outputs: {} }
        }),
        buildTask('after'),
      ],
    }),
  )
  await renderer.close()
  const shown = screen.shown()
  expect(shown.match(/^Fail over\? Type yes or no: yes$/gm)).toHaveLength(1)
  const [above = '', below = ''] = shown.split('Fail over? Type yes or no: yes\n')
  expect(above).toContain('approve: Do approve')
  expect(below.match(/before: Do before/g)).toHaveLength(1)
  expect(below.match(/approve: Do approve/g)).toHaveLength(1)
  expect(below.match(/after: Do after/g)).toHaveLength(1)
})

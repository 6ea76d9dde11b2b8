import { describe, expect, it } from 'vitest'
import { createProgressLine, describeProgress } from '../../../engine/cli/progress-line.ts'
import { manualClock } from '../../support/manual-clock.ts'
import { captured } from './run-cli.ts'

const event = (done: number) => ({ phase: 'load-graph', unit: 'points', done, total: 200 }) as const

describe('describeProgress', () => {
  it('says how far, with a percentage where the end is known', () => {
    expect(describeProgress(event(50))).toBe('load graph: 50 of 200 points (25 %)')
    expect(describeProgress({ phase: 'read', unit: 'bytes', done: 1536 })).toBe('read: 1.5 KiB')
  })
})

describe('a progress line', () => {
  it('draws over itself on a terminal, ten times a second at most, and clears', async () => {
    const terminal = captured({ isTerminal: true, columns: 80 })
    const clock = manualClock()
    const line = createProgressLine(terminal, clock)
    for (const done of [1, 100, 150]) {
      clock.advance(60)
      line.report(event(done))
    }
    await line.clear()
    const text = 'load graph: 100 of 200 points (50 %)'
    expect(terminal.text()).toBe(`\r${text}\r${' '.repeat(text.length)}\r`)
    await line.clear()
    expect(terminal.text().length).toBe(2 * text.length + 3)
  })

  it('never wraps: it is cut to the width', () => {
    const terminal = captured({ isTerminal: true, columns: 12 })
    const clock = manualClock()
    const line = createProgressLine(terminal, clock)
    clock.advance(1_000)
    line.report(event(1))
    expect(terminal.text()).toBe('\rload graph:')
  })

  it('is a plain line every ten seconds elsewhere, and none for short work', async () => {
    const pipe = captured()
    const clock = manualClock()
    const line = createProgressLine(pipe, clock)
    for (let second = 0; second < 25; second++) {
      line.report(event(second))
      clock.advance(1_000)
    }
    await line.clear()
    expect(pipe.text()).toBe(
      'load graph: 10 of 200 points (5 %)\nload graph: 20 of 200 points (10 %)\n',
    )
  })
})

it('says how fast bytes pass, and how long it will take, once a second has passed', () => {
  const terminal = captured({ isTerminal: true, columns: 100 })
  const clock = manualClock()
  const line = createProgressLine(terminal, clock)
  for (const mebibytes of [0, 10, 20, 30]) {
    line.report({ phase: 'upload', unit: 'bytes', done: mebibytes * 2 ** 20, total: 90 * 2 ** 20 })
    clock.advance(1_000)
  }
  const drawn = terminal
    .text()
    .split('\r')
    .filter((text) => text !== '')
  expect(drawn[0]?.trim()).toBe('upload: 10.0 MiB of 90.0 MiB (11 %), 10.0 MiB/s, 8.0 s left')
  expect(drawn.at(-1)?.trim()).toBe('upload: 30.0 MiB of 90.0 MiB (33 %), 10.0 MiB/s, 6.0 s left')
})

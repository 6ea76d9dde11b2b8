/** An exercise at a terminal: what the clock brings is shown when it comes, also while somebody types. */
import { isOperatingError, OperatingError } from '../../engine/index.ts'
import { eventLines, statusLines } from '../play/event-text.ts'
import { closeSitting, type KeptPlay } from '../play/kept-play.ts'
import { act, advance, nextAtMs, type Play } from '../play/play.ts'
import { stateOf } from '../play/play-state.ts'
import { readTyped, type Typed, typedHelp } from '../play/typed-act.ts'
import type { PlayTable } from './play-table.ts'

const prompt = 'exercise> '

/** Enter pressed so often with nothing left to come: nobody is there any more. */
const idleEnters = 3

export interface EndedSitting {
  readonly kept: KeptPlay
  readonly isPaused: boolean
}

/**
 * @param isResumed what happened before is on the screen
 * @throws the wish to stop, once the exercise is kept
 */
export async function playAtTerminal(
  table: PlayTable,
  begun: KeptPlay,
  isResumed: boolean,
): Promise<EndedSitting> {
  const sitting = new TerminalSitting(table, begun)
  try {
    return await sitting.play(isResumed ? begun.play.events.length : 0)
  } catch (error) {
    if (!isOperatingError(error, 'interrupted', 'terminated')) throw error
    await sitting.keep()
    throw new OperatingError(
      error.code,
      `the exercise was interrupted and is kept in ${table.file}`,
      'Give the same command again to go on with it.',
      { cause: error },
    )
  }
}

class TerminalSitting {
  readonly #table: PlayTable
  #kept: KeptPlay
  /** Where the two clocks stood at the same moment. */
  #since: { readonly monotonicMs: number; readonly playMs: number }
  #idle = 0
  #isEndAsked = false

  constructor(table: PlayTable, begun: KeptPlay) {
    this.#table = table
    this.#kept = begun
    this.#since = this.#sync()
  }

  keep(): Promise<void> {
    this.#kept = closeSitting(this.#kept)
    return this.#table.keep(this.#kept)
  }

  /** @param shown events that are on the screen already */
  async play(shown: number): Promise<EndedSitting> {
    await this.#show(shown)
    await this.keep()
    for (;;) {
      const line = await this.#ask()
      await this.#goOn()
      // an input that has ended is no Enter: the story does not go on without its people
      const isPaused = await this.#do(line === undefined ? { do: 'pause' } : readTyped(line))
      if (isPaused !== undefined) return { kept: closeSitting(this.#kept), isPaused }
    }
  }

  get #play(): Play {
    return this.#kept.play
  }

  #sync() {
    const { clock } = this.#table.context.io
    return { monotonicMs: clock.monotonicMs(), playMs: this.#kept.play.nowMs }
  }

  /** The clock of the exercise, in whole seconds. */
  #nowMs(): number {
    const { monotonicMs, playMs } = this.#since
    const passedMs = this.#table.context.io.clock.monotonicMs() - monotonicMs
    return Math.max(this.#play.nowMs, Math.floor((playMs + passedMs) / 1_000) * 1_000)
  }

  /** Brings the exercise to its clock; what came is shown and kept. */
  async #goOn(toMs = this.#nowMs()): Promise<void> {
    await this.#set(advance(this.#play, toMs))
  }

  async #set(play: Play): Promise<void> {
    const shown = this.#play.events.length
    this.#kept = { ...this.#kept, play }
    if (play.events.length === shown) return
    await this.#show(shown)
    await this.keep()
  }

  async #show(from: number): Promise<void> {
    const { setup, print } = this.#table
    await print(this.#play.events.slice(from).flatMap((event) => eventLines(setup, event)))
  }

  /** A line; meanwhile the clock goes on, and what is typed stays typed. */
  async #ask(): Promise<string | undefined> {
    const { ask, timer, stderr } = this.#table.context.io
    let turn: Promise<void> = Promise.resolve()
    let isAsking = true
    let cancel = () => {}
    const wait = (): void => {
      const due = nextAtMs(this.#play)
      if (due === undefined) return
      cancel = timer.after(Math.max(0, due - this.#nowMs()) + 1, () => {
        turn = turn.then(async () => {
          if (!isAsking) return
          await stderr.write('\n')
          await this.#goOn()
          await stderr.write(prompt)
          wait()
        })
        turn.catch(() => {}) // thrown where it is awaited
      })
    }
    wait()
    try {
      return await ask?.(prompt)
    } finally {
      isAsking = false
      cancel()
      await turn
    }
  }

  /** @returns whether it is paused, at its end */
  async #do(typed: Typed | string): Promise<boolean | undefined> {
    const { print } = this.#table
    if (typeof typed === 'string') {
      await print([typed])
      return undefined
    }
    if (typed.do !== 'next') this.#idle = 0
    switch (typed.do) {
      case 'next':
        return this.#next()
      case 'pause':
        await this.keep()
        return true
      case 'help':
        await print(typedHelp)
        return undefined
      case 'status':
        await print(statusLines(this.#play))
        return undefined
      case 'end':
        if (await this.#asksFirst()) return undefined
        break
      default:
    }
    const next = act(this.#play, typed)
    if (typeof next === 'string') {
      await print([`That does not fit: ${next}.`])
      return undefined
    }
    await this.#set(next)
    return stateOf(this.#play.events).isOver ? false : undefined
  }

  async #next(): Promise<boolean | undefined> {
    const due = nextAtMs(this.#play)
    if (due !== undefined) {
      this.#idle = 0
      await this.#goOn(Math.max(due, this.#play.nowMs))
      this.#since = this.#sync()
      return undefined
    }
    this.#idle += 1
    if (this.#idle >= idleEnters) {
      await this.keep()
      return true
    }
    await this.#table.print([
      'Nothing more comes by itself. Decide, or type end (help shows everything).',
    ])
    return undefined
  }

  /** The questions of the story come before its end; a second end leaves them out. */
  async #asksFirst(): Promise<boolean> {
    const { questions } = this.#table.setup.scenario
    const { replies } = stateOf(this.#play.events)
    const open = questions.flatMap((text, index) =>
      replies.has(index + 1) ? [] : [`${index + 1}: ${text}`],
    )
    if (open.length === 0 || this.#isEndAsked) return false
    this.#isEndAsked = true
    await this.#table.print([
      'The story asks:',
      ...open,
      'Type reply, the number and the answer; or end again.',
    ])
    return true
  }
}

/** Who is called, who joins when, and what each of them is doing: a person does one thing at a time. */
import { assumptions, nextCallMs } from './assumptions.ts'
import { draw } from './draw.ts'
import type { Model } from './model.ts'
import type { StepModel } from './step-model.ts'

const never = Number.POSITIVE_INFINITY

/** Instants are milliseconds since the disaster; infinite is never. Buffers are made once. */
export class Duty {
  readonly #model: Model
  readonly #joinedMs: Float64Array
  readonly #busyUntil: Float64Array
  #key = 0
  #disasterAt = 0

  constructor(model: Model) {
    this.#model = model
    this.#joinedMs = new Float64Array(model.people.length)
    this.#busyUntil = new Float64Array(model.people.length)
  }

  /** A new trial: nobody knows of the disaster yet. */
  begin(key: number, disasterAt: number): void {
    this.#key = key
    this.#disasterAt = disasterAt
    this.#joinedMs.fill(never)
    this.#busyUntil.fill(0)
  }

  /**
   * Whom the escalation names is called in turn until somebody has answered; that one then calls everybody whom
   * the procedure needs. Who was called joins once they answer.
   */
  answeredAt(alarmMs: number): number {
    const { rungs, steps } = this.#model
    let firstMs = never
    for (const { afterMs, holders } of rungs) {
      for (let turn = 0; turn < holders.length; turn++) {
        const calledMs = alarmMs + afterMs + turn * nextCallMs
        firstMs = Math.min(firstMs, this.#answer(holders[turn] ?? -1, calledMs))
      }
    }
    if (firstMs === never) return never
    for (const { afterMs, holders } of rungs) {
      for (let turn = 0; turn < holders.length; turn++) {
        const calledMs = alarmMs + afterMs + turn * nextCallMs
        if (calledMs < firstMs) this.#join(holders[turn] ?? -1, calledMs)
      }
    }
    for (const { holders = [] } of steps) {
      for (let turn = 0; turn < holders.length; turn++) {
        this.#join(holders[turn] ?? -1, firstMs + turn * nextCallMs)
      }
    }
    return firstMs
  }

  #join(person: number, calledMs: number): void {
    const joinedMs = this.#joinedMs[person] ?? never
    this.#joinedMs[person] = Math.min(joinedMs, this.#answer(person, calledMs))
  }

  /** When somebody who is called at `calledMs` has answered; infinite when never. */
  #answer(index: number, calledMs: number): number {
    const person = this.#model.people[index]
    if (person === undefined) return never
    const thereMs = person.thereAt(calledMs, this.#disasterAt, this.#model.clocks)
    return thereMs + assumptions.answer.distribution.at(draw(this.#key, person.slot))
  }

  /** The holder of the role who can begin first is taken for as long as it takes. @returns when that is */
  take(step: StepModel, nowMs: number, workMs: number): number {
    const limitMs = nowMs + step.timeoutMs
    const { holders = [] } = step
    const { people, clocks } = this.#model
    let firstMs = never
    let who = -1
    for (let turn = 0; turn < holders.length; turn++) {
      const person = holders[turn] ?? -1
      // what was measured has the time until somebody answered in it
      const joinedMs = step.answerIsCounted ? nowMs : (this.#joinedMs[person] ?? never)
      const freeMs = Math.max(nowMs, joinedMs, this.#busyUntil[person] ?? 0)
      const beginsMs = people[person]?.thereAt(freeMs, this.#disasterAt, clocks) ?? never
      if (beginsMs < firstMs) {
        firstMs = beginsMs
        who = person
      }
    }
    if (who >= 0 && firstMs < limitMs) {
      this.#busyUntil[who] = Math.min(firstMs + workMs, limitMs)
    }
    return firstMs
  }
}

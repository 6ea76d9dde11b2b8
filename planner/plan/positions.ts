/**
 * Where the values of a plan stand in its text. They come from the parser's thread as plain numbers: for each
 * value, from the outside and in the order in which JavaScript goes through members, two offsets and how many
 * values it is with all in it.
 */
import assert from 'node:assert'
import type { JsonValue } from '../../engine/index.ts'
import { childPath, lastKey, parentPointer } from './path-text.ts'

/** Where a value stands: offset of the key that introduces it (its own without one) and its own. */
export interface ValuePosition {
  readonly path: string
  readonly keyOffset: number
  readonly valueOffset: number
}

/** A value with its offsets and those of all in it. */
export interface OffsetTree {
  readonly keyOffset: number
  readonly valueOffset: number
  readonly inside: readonly OffsetTree[]
}

/** The numbers that {@link Positions} reads. */
export function offsetsOf(tree: OffsetTree): Int32Array {
  const offsets: number[] = []
  const visit = ({ keyOffset, valueOffset, inside }: OffsetTree): void => {
    const at = offsets.push(keyOffset, valueOffset, 1)
    for (const each of inside) visit(each)
    offsets[at - 1] = 1 + (offsets.length - at) / 3
  }
  visit(tree)
  return Int32Array.from(offsets)
}

/** By JSON pointer. Only what somebody asks for is put together: hardly any plan has a problem everywhere. */
export class Positions {
  readonly #offsets: Int32Array
  /** By their pointers, those that were asked for. */
  readonly #rooms = new Map<string, Room | undefined>()

  constructor(value: JsonValue, offsets: Int32Array) {
    this.#offsets = offsets
    assert(this.#sizeOf(0) * 3 === offsets.length, 'each value has three numbers')
    this.#rooms.set('', this.#roomOf(value, 0, ''))
  }

  get(pointer: string): ValuePosition | undefined {
    if (pointer === '') return this.#position(0, '')
    const around = this.#room(parentPointer(pointer))
    const key = lastKey(pointer)
    const index = around?.indexes.get(key)
    return around === undefined || index === undefined
      ? undefined
      : this.#position(index, childPath(around.path, around.isList ? Number(key) : key))
  }

  #position(index: number, path: string): ValuePosition {
    const [keyOffset = 0, valueOffset = 0] = this.#offsets.subarray(3 * index, 3 * index + 2)
    return { path, keyOffset, valueOffset }
  }

  /** Values in the value of that index, it included. */
  #sizeOf(index: number): number {
    return this.#offsets[3 * index + 2] ?? 0
  }

  #room(pointer: string): Room | undefined {
    if (this.#rooms.has(pointer)) return this.#rooms.get(pointer)
    const around = this.#room(parentPointer(pointer))
    const key = lastKey(pointer)
    const index = around?.indexes.get(key)
    let room: Room | undefined
    if (around !== undefined && index !== undefined) {
      const path = childPath(around.path, around.isList ? Number(key) : key)
      room = this.#roomOf(around.values.get(key) ?? null, index, path)
    }
    this.#rooms.set(pointer, room)
    return room
  }

  #roomOf(value: JsonValue, index: number, path: string): Room | undefined {
    if (typeof value !== 'object' || value === null) return undefined
    const values = new Map<string, JsonValue>(Object.entries(value))
    const indexes = new Map<string, number>()
    let next = index + 1
    for (const key of values.keys()) {
      indexes.set(key, next)
      next += this.#sizeOf(next)
    }
    return { isList: Array.isArray(value), path, values, indexes }
  }
}

/** A mapping or list. */
interface Room {
  readonly isList: boolean
  readonly path: string
  readonly values: ReadonlyMap<string, JsonValue>
  /** By key, or index as text: which value of the plan it is. */
  readonly indexes: ReadonlyMap<string, number>
}

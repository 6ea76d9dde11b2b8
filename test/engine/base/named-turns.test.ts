import { expect, test } from 'vitest'
import { NamedTurns } from '../../../engine/base/named-turns.ts'

/** A piece of work that ends when it is told to. */
function piece(log: string[], name: string) {
  let end = () => {}
  let fail = () => {}
  const promise = new Promise<string>((resolve, reject) => {
    end = () => resolve(name)
    fail = () => reject(new Error(name))
  })
  const work = async () => {
    log.push(`${name} begins`)
    return promise
  }
  return { work, end, fail }
}

const settled = () => new Promise((resolve) => setImmediate(resolve))

test('under one name the second begins when the first has ended, in the order in which they came', async () => {
  const turns = new NamedTurns()
  const log: string[] = []
  const [one, two, three] = ['one', 'two', 'three'].map((name) => piece(log, name))
  const all = [one, two, three].map((each) => turns.run('a', each?.work ?? (async () => '')))
  await settled()
  expect(log).toEqual(['one begins'])
  one?.end()
  await settled()
  expect(log).toEqual(['one begins', 'two begins'])
  two?.end()
  three?.end()
  expect(await Promise.all(all)).toEqual(['one', 'two', 'three'])
})

test('another name does not wait', async () => {
  const turns = new NamedTurns()
  const log: string[] = []
  const [one, other] = [piece(log, 'one'), piece(log, 'other')]
  const first = turns.run('a', one.work)
  const second = turns.run('b', other.work)
  await settled()
  expect(log).toEqual(['one begins', 'other begins'])
  other.end()
  expect(await second).toBe('other')
  one.end()
  await first
})

test('a piece of work that fails is told to who asked for it, and the next one begins', async () => {
  const turns = new NamedTurns()
  const log: string[] = []
  const [one, two] = [piece(log, 'one'), piece(log, 'two')]
  const first = turns.run('a', one.work)
  const second = turns.run('a', two.work)
  one.fail()
  await expect(first).rejects.toThrow('one')
  two.end()
  expect(await second).toBe('two')
})

test('a name of which nothing is under way is forgotten', async () => {
  const turns = new NamedTurns()
  await turns.run('a', async () => {})
  await expect(turns.run('b', () => Promise.reject(new Error('no')))).rejects.toThrow('no')
  await settled()
  expect(turns.names).toEqual([])
})

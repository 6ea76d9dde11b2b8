/** Items of several lists in turn. */

/**
 * One item of each of the first `width` lists, again and again; a list that has ended gives its place to the
 * next one. Lists end nearly in their order.
 */
export function* inTurn<T>(lists: Iterable<Iterable<T>>, width: number): Generator<T> {
  const waiting = lists[Symbol.iterator]()
  const open: Iterator<T>[] = []
  for (;;) {
    while (open.length < width) {
      const next = waiting.next()
      if (next.done === true) break
      open.push(next.value[Symbol.iterator]())
    }
    const first = open.shift()
    if (first === undefined) return
    const item = first.next()
    if (item.done === true) continue
    open.push(first)
    yield item.value
  }
}

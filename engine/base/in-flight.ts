/**
 * Work on many items, a bounded number at a time.
 *
 * Starts items in order. After the first failure no further item is started, those under way are
 * waited for, and then the failure is thrown: nothing goes on unobserved.
 * @throws the signal's reason once it is aborted
 */
export async function inFlight<T>(
  items: Iterable<T>,
  bound: number,
  signal: AbortSignal | undefined,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const iterator = items[Symbol.iterator]()
  let failure: { readonly error: unknown } | undefined
  const lane = async (): Promise<void> => {
    while (failure === undefined) {
      try {
        signal?.throwIfAborted()
        const next = iterator.next()
        if (next.done === true) return
        await work(next.value)
      } catch (error) {
        failure ??= { error }
      }
    }
  }
  await Promise.all(Array.from({ length: bound }, lane))
  if (failure !== undefined) throw failure.error
}

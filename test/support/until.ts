/**
 * Waits until it is so; the test's time limit is the bound. For what another process does and says to nobody: it is looked
 * at every few milliseconds, since looking without a pause takes a whole processor from what is waited for.
 */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 3))
}

/**
 * Time of the processors that this process has used, its threads included. What a piece of work takes on a
 * machine of its own, also on one that others keep busy.
 */
export function processorMs(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1_000
}

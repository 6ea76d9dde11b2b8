/**
 * Whether a process is alive, and since when: a pid alone does not name a process, it is reused.
 */
import { nodeDisk } from './disk.ts'
import { isOperatingError } from './errors.ts'

/** Bytes of /proc/<pid>/stat: one line. */
const statBytes = 4096
/** Field 22 of proc(5) `stat`, counted after the command name, which is in parentheses. */
const startFieldAfterName = 19
/** Field 3: a zombie, or one that is being removed. It holds nothing any more. */
const deadStates = ['Z', 'X', 'x']

/**
 * When process `pid` of this host started, as the kernel counts it; `'unknown'` where there is no
 * /proc but the process is alive; undefined when there is no such process, or when it is dead and only
 * its parent has not heard of it yet (in a container that may be never).
 */
export async function processStart(pid: number): Promise<string | undefined> {
  try {
    process.kill(pid, 0)
  } catch (error) {
    // EPERM: alive, but somebody else's
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return undefined
  }
  try {
    const handle = await nodeDisk.open(`/proc/${pid}/stat`, 'read')
    try {
      const bytes = Buffer.alloc(statBytes)
      const text = bytes.toString('utf8', 0, await handle.read(bytes, 0))
      const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
      if (deadStates.includes(fields[0] ?? '')) return undefined
      return fields[startFieldAfterName] ?? 'unknown'
    } finally {
      await handle.close()
    }
  } catch (error) {
    if (isOperatingError(error, 'file-not-found')) return 'unknown'
    // it ended between the two looks: the kernel says so to who has the file open
    if (isOperatingError(error) && codeOf(error.cause) === 'ESRCH') return undefined
    throw error
  }
}

const codeOf = (cause: unknown): unknown => (cause as NodeJS.ErrnoException | undefined)?.code // of a Disk: a system error

/** Bytes of a UUID and a line feed, and room to see that it is not one. */
const bootIdBytes = 64

/** A UUID that the kernel makes at each start of the host; undefined where there is no /proc. */
export async function hostBoot(): Promise<string | undefined> {
  try {
    const handle = await nodeDisk.open('/proc/sys/kernel/random/boot_id', 'read')
    try {
      const bytes = Buffer.alloc(bootIdBytes)
      return bytes.toString('utf8', 0, await handle.read(bytes, 0)).trim()
    } finally {
      await handle.close()
    }
  } catch (error) {
    if (isOperatingError(error, 'file-not-found', 'disk-refused')) return undefined
    throw error
  }
}

/**
 * Whether a process is alive, and since when: a pid alone does not name a process, it is reused. And which
 * processes carry a mark in their environment, for programs whose starter died before it wrote down their pid.
 */
import { nodeDisk } from './disk.ts'
import { isOperatingError } from './errors.ts'

/** Bytes of /proc/<pid>/stat: one line. */
const statBytes = 4096
/** Fields 6 and 22 of proc(5) `stat`, counted after the command name, which is in parentheses. */
const sessionFieldAfterName = 3
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
    const fields = await statOf(pid)
    if (deadStates.includes(fields[0] ?? '')) return undefined
    return fields[startFieldAfterName] ?? 'unknown'
  } catch (error) {
    if (isOperatingError(error, 'file-not-found')) return 'unknown'
    // it ended between the two looks: the kernel says so to who has the file open
    if (isOperatingError(error) && codeOf(error.cause) === 'ESRCH') return undefined
    throw error
  }
}

let own: string | undefined

/** The same of this process, which has one start. */
export async function ownStart(): Promise<string | undefined> {
  own ??= await processStart(process.pid)
  return own
}

/** Its fields after the command name. */
const statOf = async (pid: number): Promise<string[]> => {
  const text = (await readStart(`/proc/${pid}/stat`, statBytes)).toString()
  return text.slice(text.lastIndexOf(')') + 2).split(' ')
}

/** Files of /proc have no size: what comes at the first reading. */
async function readStart(file: string, maxBytes: number): Promise<Buffer> {
  const handle = await nodeDisk.open(file, 'read')
  try {
    const bytes = Buffer.alloc(maxBytes)
    return bytes.subarray(0, await handle.read(bytes, 0))
  } finally {
    await handle.close()
  }
}

/** Bytes of an environment that are looked at; whoever marks a program puts the mark first. */
const environmentBytes = 4096

/**
 * Pids of this user's living processes that lead a session and were started with `name=value` in the first 4 KiB of
 * their environment; none where there is no /proc.
 */
export async function markedProcesses(name: string, value: string): Promise<number[]> {
  const mark = `\0${name}=${value}\0`
  const isMarked = async (pid: number): Promise<boolean> => {
    try {
      const environment = await readStart(`/proc/${pid}/environ`, environmentBytes)
      if (!`\0${environment.toString()}\0`.includes(mark)) return false
      const fields = await statOf(pid)
      return fields[sessionFieldAfterName] === String(pid) && !deadStates.includes(fields[0] ?? '')
    } catch (error) {
      if (isOperatingError(error)) return false // it ended, or is somebody else's
      throw error
    }
  }
  const found: number[] = []
  try {
    for (const pid of (await nodeDisk.list('/proc')).map(Number)) {
      if (Number.isInteger(pid) && (await isMarked(pid))) found.push(pid)
    }
  } catch (error) {
    if (!isOperatingError(error, 'file-not-found')) throw error
  }
  return found
}

const codeOf = (cause: unknown): unknown => (cause as NodeJS.ErrnoException | undefined)?.code // of a Disk: a system error

/** Bytes of a UUID and a line feed, and room to see that it is not one. */
const bootIdBytes = 64

/** A UUID that the kernel makes at each start of the host; undefined where there is no /proc. */
export async function hostBoot(): Promise<string | undefined> {
  try {
    const bytes = await readStart('/proc/sys/kernel/random/boot_id', bootIdBytes)
    return bytes.toString().trim()
  } catch (error) {
    if (isOperatingError(error, 'file-not-found', 'disk-refused')) return undefined
    throw error
  }
}

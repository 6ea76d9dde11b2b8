/** Failed system calls as the operating errors that name the call and the path. */
import { OperatingError } from './errors.ts'

const hints: Record<string, string> = {
  'file-not-found': 'Check the path.',
  'disk-full':
    'Free space on that file system, or point the command at another one, and run it again.',
  'disk-refused':
    'Check the owner and the permissions of the path, and that it is not mounted read-only.',
  'disk-error': 'Check the file system and the kernel log; the operation was not completed.',
  'fsync-failed':
    'Nothing is written after this. Check the disk and the kernel log, then start again: the next start recovers what is on the disk.',
}

/** What is wrong with the path and not with the disk. */
const wrongPaths: Record<string, readonly [reason: string, hint: string]> = {
  ENOTDIR: ['a part of the path is no directory', 'Look what stands there, or name another path.'],
  ENAMETOOLONG: ['the name is too long', 'Choose a shorter one.'],
}

const codeOf = (errno: string | undefined) => {
  switch (errno) {
    case 'ENOENT':
      return 'file-not-found'
    case 'ENOSPC':
    case 'EDQUOT':
      return 'disk-full'
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return 'disk-refused'
    default:
      return 'disk-error'
  }
}

/** Turns a failed system call into the operating error that names it and the path. */
export function diskError(error: unknown, action: string, file: string): OperatingError {
  if (error instanceof OperatingError) return error
  const errno = (error as NodeJS.ErrnoException).code // node's fs rejects with ErrnoException only
  const found = codeOf(errno)
  const isSync = action.startsWith('fsync') && found !== 'file-not-found'
  const code = isSync ? 'fsync-failed' : found
  const [reason, hint] = wrongPaths[errno ?? ''] ?? [
    code === 'file-not-found' ? 'no such file or directory' : (errno ?? String(error)),
    hints[code] ?? '',
  ]
  return new OperatingError(code, `cannot ${action} ${file}: ${reason}`, hint, {
    place: { file },
    cause: error,
  })
}

/** Does `work`; what it fails with is told as {@link diskError} tells it. */
export async function attempt<T>(action: string, file: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw diskError(error, action, file)
  }
}

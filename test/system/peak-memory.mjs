// Loaded into a command: tells at its end how much memory it had at most, on standard error.
import { readFileSync, writeSync } from 'node:fs'

process.on('exit', () => {
  const [, kib] = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8')) ?? []
  writeSync(2, `peak memory ${kib} KiB\n`)
})

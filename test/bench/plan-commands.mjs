// validate, check and explain a plan through the built command line, one after the other in one process:
//
//   node plan-commands.mjs PLAN    prints their exit codes

import { nodeDisk, systemClock, systemTimer } from '../../dist/engine/index.js'
import { main } from '../../dist/planner/cli/command-line.js'

const nowhere = { isTerminal: false, columns: 0, rows: 0, write: async () => {} }
const never = new AbortController().signal
const io = {
  stdout: nowhere,
  stderr: nowhere,
  env: {},
  clock: systemClock,
  timer: systemTimer,
  disk: nodeDisk,
  stopSignal: never,
  forceSignal: never,
}
const codes = []
for (const command of ['validate', 'check', 'explain']) {
  codes.push(await main([command, process.argv[2]], io))
}
console.log(codes.join(' '))
process.exit()

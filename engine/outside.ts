/**
 * The door to what leaves this process: programs that are started, requests over the web. Apart from the others,
 * because what only reads a plan needs neither.
 */
export { type Invocation, toEnvironment, toInvocation } from './outside/invocation.ts'
export { keepOutput, keptBytes, type OutputKeeper } from './outside/output-keeper.ts'
export {
  answerBytes,
  answerMs,
  sendRequest,
  type WebAnswer,
  type WebRequest,
  type WebWorld,
} from './outside/request.ts'
export { type ProgramEnd, programError, runProgram } from './outside/run-program.ts'
export { isHostWrittenOut, type WebAddress } from './outside/web-address.ts'

/** `doctor`: whether this machine has what is needed, and what to do where it has not. */
import * as path from 'node:path'
import type { Command } from 'commander'
import { OperatingError } from '../../engine/index.ts'
import type { Context } from './context.ts'
import { examples, type Runner } from './runner.ts'

export function addDoctor(program: Command, run: Runner): void {
  program
    .command('doctor')
    .description('check this machine: Node, the index, disk space, git, clock')
    .addHelpText('after', examples('doctor', 'doctor --state /var/lib/vectra-dr --json'))
    .action(run(doctor))
}

async function doctor(context: Context) {
  const { examine } = await import('./examine.ts')
  const findings = await examine(context.io, path.resolve(context.state ?? '.vectra-dr'))
  for (const { name, state, found, hint } of findings) {
    await context.print(`${state.padEnd(5)}  ${name.padEnd(16)}  ${found}`)
    if (hint !== undefined) await context.print(`${' '.repeat(25)}${hint}`)
  }
  const bad = findings.filter(({ state }) => state === 'bad')
  if (bad.length > 0) {
    throw new OperatingError(
      'unreachable',
      `${bad.map(({ name }) => name).join(', ')} ${bad.length === 1 ? 'is' : 'are'} not fit for use`,
      'Do what the lines above say and run it again.',
      { details: findings },
    )
  }
  return { findings }
}

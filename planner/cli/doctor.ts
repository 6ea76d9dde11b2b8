/** `doctor`: whether this machine has what is needed, and what to do where it has not. */
import * as path from 'node:path'
import type { Command } from 'commander'
import { OperatingError } from '../../engine/index.ts'
import type { Context } from './context.ts'
import { examples, type Runner } from './runner.ts'

export function addDoctor(program: Command, run: Runner): void {
  program
    .command('doctor')
    .description('check this machine: Node, the index, disk space, git, clock; and destinations')
    .option('--destination <url>', 'also reach this destination, and look for interrupted uploads')
    .addHelpText(
      'after',
      examples(
        'doctor',
        'doctor --state /var/lib/vectra-dr --json',
        'doctor --destination s3://my-dr-bucket-us-west-2/vectra',
      ),
    )
    .action(run(doctor))
}

interface DoctorFlags {
  readonly destination?: string
}

async function doctor(context: Context, { destination }: DoctorFlags) {
  const { examine } = await import('./examine.ts')
  const { examineDestination } = await import('./examine-destination.ts')
  const looked = await examine(context.io, path.resolve(context.state ?? '.vectra-dr'))
  const reached = destination && (await examineDestination(destination, context.io.disk))
  const findings = reached ? [...looked, reached] : looked
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

/**
 * The tree of commands. Only flags and help are made here; what a command needs beyond that is loaded
 * when it runs, so that help is quick.
 */
import { Command } from 'commander'
import { version } from '../../engine/index.ts'
import { addAudit } from './audit.ts'
import { addCheck } from './check.ts'
import { addDaemon } from './daemon.ts'
import { addDoctor } from './doctor.ts'
import { addDrill } from './drill.ts'
import { addExplain } from './explain.ts'
import { addExport } from './export.ts'
import { addInit } from './init.ts'
import type { Io } from './io.ts'
import { addLedgerExport } from './ledger-export.ts'
import { addLedgerShow } from './ledger-show.ts'
import { addLedgerSign } from './ledger-sign.ts'
import { addLedgerVerify } from './ledger-verify.ts'
import { addNext } from './next.ts'
import { refuseMistakes } from './options.ts'
import { addRecover } from './recover.ts'
import { addResume } from './resume.ts'
import { addRun } from './run.ts'
import { addRunbook } from './runbook.ts'
import { createRunner, examples } from './runner.ts'
import { addSchema } from './schema.ts'
import { addStatus } from './status.ts'
import { addTabletop } from './tabletop.ts'
import { addValidate } from './validate.ts'

/** @param write takes help and version texts */
export function buildProgram(io: Io, write: (text: string) => void): Command {
  const run = createRunner(io)
  const program = new Command('vectra-dr')
    .description('Disaster recovery for vector databases: one plan, run, rehearsed and audited.')
    .version(version, '--version', 'print the version')
    .helpOption('-h, --help', 'print help')
    .option('--state <dir>', 'state directory (default: .vectra-dr beside the plan)')
    .option('--json', 'one JSON object a line; the last one says the outcome')
    .option('--quiet', 'no progress and no remarks')
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({
      writeOut: write,
      writeErr: () => {}, // errors are told in one place, failure.ts
      getOutHelpWidth: () =>
        io.stdout.isTerminal && io.stdout.columns > 0 ? io.stdout.columns : 100,
      getOutHasColors: () => false,
    })
    .exitOverride()
    .addHelpText(
      'after',
      examples(
        'init',
        'validate plans/quickstart.yaml',
        'check plans/quickstart.yaml',
        'explain plans/quickstart.yaml',
        'drill plans/quickstart.yaml --yes',
        'audit plans/quickstart.yaml --format md',
      ),
    )
  for (const add of [
    addInit,
    addValidate,
    addCheck,
    addExplain,
    addRun,
    addDrill,
    addRecover,
    addResume,
    addTabletop,
    addRunbook,
    addAudit,
  ])
    add(program, run)
  addDaemon(program, run)
  addNext(program, run)
  addStatus(program, run)
  addExport(program, run)
  const ledger = program
    .command('ledger')
    .description('look at the ledger and prove it')
    .addHelpText('after', examples('ledger verify plans/quickstart.yaml'))
  addLedgerVerify(ledger, run)
  addLedgerShow(ledger, run)
  addLedgerExport(ledger, run)
  addLedgerSign(ledger, run)
  addDoctor(program, run)
  addSchema(program, run)
  refuseMistakes(program)
  return program
}

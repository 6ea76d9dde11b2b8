/** `export systemd|cron|kubernetes PLAN`: units for a scheduler that is there already. */
import * as path from 'node:path'
import { Argument, type Command } from 'commander'
import { fail, writeNewFile } from '../../engine/index.ts'
import type { Context } from './context.ts'
import { openPlan } from './open-plan.ts'
import { examples, type Runner } from './runner.ts'

const schedulers = ['systemd', 'cron', 'kubernetes'] as const

interface ExportFlags {
  readonly out?: string
  readonly image?: string
  readonly yes?: true
}

export function addExport(program: Command, run: Runner): void {
  program
    .command('export')
    .description(
      'write what systemd, cron or Kubernetes needs to run the plan instead of the daemon',
    )
    .addArgument(new Argument('<scheduler>', 'which one').choices(schedulers))
    .argument('<plan>', 'plan file')
    .option('--out <dir>', 'write files there, over none that exists (default: print them)')
    .option('--image <image>', 'container image with vectra-dr in it; needed for kubernetes')
    .option('--yes', 'let drills that touch production data run too; without it they fail when due')
    .addHelpText(
      'after',
      examples(
        'export systemd plans/shop.yaml --out units',
        'export cron plans/shop.yaml',
        'export kubernetes plans/shop.yaml --image registry.example/vectra-dr:1',
      ),
    )
    .action(run(exportPlan))
}

async function exportPlan(
  context: Context,
  scheduler: (typeof schedulers)[number],
  file: string,
  flags: ExportFlags,
) {
  if (scheduler === 'kubernetes' && flags.image === undefined) {
    fail('usage', 'a CronJob needs a container image', 'Name it with --image IMAGE.')
  }
  const plan = await openPlan(context, file)
  const { systemdUnits, crontab, cronJobs, unitCautions } = await import(
    '../schedule/unit-files.ts'
  )
  const options = {
    planFile: path.resolve(file),
    image: flags.image ?? '',
    yes: flags.yes === true,
  }
  const cautions = unitCautions(plan, options)
  const jobs = scheduler === 'kubernetes' ? cronJobs(plan, options) : undefined
  const left = [...(jobs?.left ?? []), ...cautions]
  for (const sentence of left) await context.warn(sentence)
  const files =
    jobs !== undefined
      ? [jobs.file]
      : scheduler === 'systemd'
        ? systemdUnits(plan, options)
        : [crontab(plan, options)]
  const { disk, stdout } = context.io
  if (flags.out !== undefined) {
    await disk.makeDirectory(flags.out)
    for (const { name, text } of files) {
      const target = path.join(flags.out, name)
      if ((await disk.stat(target)) !== undefined) {
        fail('file-exists', `${target} is there already`, 'Remove it, or choose another --out.')
      }
      await writeNewFile(disk, target, Buffer.from(text))
      await context.confirm(`wrote ${target}`)
    }
  } else if (!context.json) {
    for (const { name, text } of files) {
      await stdout.write(files.length === 1 ? text : `# ${name}\n${text}\n`)
    }
  }
  return { plan: plan.name, scheduler, files, left }
}

/**
 * What other schedulers need to run a plan: systemd units, a crontab, Kubernetes CronJobs. Pure.
 *
 * What the other scheduler cannot do stands as a comment where it would have been, never left away.
 */
import { asksFirst } from '../plan/asks-first.ts'
import { type Plan, tasksOf } from '../plan/plan.ts'
import { cronFields, onCalendar } from './calendar.ts'
import { type Timed, timedOf } from './timed.ts'

export interface UnitFile {
  readonly name: string
  readonly text: string
}

export interface UnitOptions {
  /** Absolute path of the plan, as the scheduler sees it. */
  readonly planFile: string
  /** The container to run in; Kubernetes only. */
  readonly image: string
  /** Also drills that touch production data run. */
  readonly yes: boolean
}

const commandOf = (sequence: Timed, { planFile, yes }: UnitOptions): string[] =>
  sequence.kind === 'schedule'
    ? ['vectra-dr', 'run', planFile, '--schedule', sequence.name]
    : [
        ...['vectra-dr', 'drill', planFile, sequence.name],
        ...(yes && asksFirst(sequence) ? ['--yes'] : []),
      ]

/** What a person has to know of a unit that fails whenever it is due. */
function cautions(sequence: Timed, { yes }: UnitOptions): string[] {
  const asks = tasksOf([...sequence.steps, ...sequence.always]).find(
    ({ kind, when }) => (kind === 'approve' || kind === 'manual') && when !== 'failure',
  )
  return [
    ...(sequence.kind === 'drill' && !yes && asksFirst(sequence)
      ? [
          'it touches production data and asks first: with nobody there it fails. Export it with --yes to have it run',
        ]
      : []),
    ...(asks === undefined
      ? []
      : [
          `its step ${asks.id} asks a person: with nobody there it fails. Add --answer ${asks.id}=… to its command`,
        ]),
  ]
}

const titleOf = (plan: Plan, { kind, name }: Timed): string =>
  `${kind} ${name} of plan ${plan.name}`

/** Names of units and objects: what every one of these systems accepts. */
const slug = (plan: Plan, { kind, name }: Timed): string =>
  `vectra-dr-${plan.name}-${kind}-${name}`.toLowerCase().replace(/[^a-z0-9]+/g, '-')

/** A service and a timer each; `systemctl enable --now NAME.timer`. */
export function systemdUnits(plan: Plan, options: UnitOptions): UnitFile[] {
  return timedOf(plan).flatMap((sequence) => {
    const name = slug(plan, sequence)
    const words = commandOf(sequence, options).map(systemdWord).join(' ')
    const service = `${cautions(sequence, options).map(comment).join('')}[Unit]
Description=Vectra DR: ${titleOf(plan, sequence)}
After=network-online.target
Wants=network-online.target

[Service]
Type=oneshot
# another run of the plan is under way
SuccessExitStatus=11
ExecStart=/usr/bin/env ${words}
`
    const timer = `[Unit]
Description=Vectra DR: ${titleOf(plan, sequence)}

[Timer]
${timerLines(sequence).join('\n')}

[Install]
WantedBy=timers.target
`
    return [
      { name: `${name}.service`, text: service },
      { name: `${name}.timer`, text: timer },
    ]
  })
}

/** The cautions of all units, each with what it is about. */
export const unitCautions = (plan: Plan, options: UnitOptions): string[] =>
  timedOf(plan).flatMap((sequence) =>
    cautions(sequence, options).map((each) => `${titleOf(plan, sequence)}: ${each}`),
  )

const comment = (text: string): string => `# ${text}\n`

const systemdWord = (word: string): string =>
  `"${word.replace(/["\\]/g, '\\$&').replaceAll('%', '%%').replaceAll('$', '$$$$')}"`

function timerLines({ rhythm, catchUp, jitterMs }: Timed): string[] {
  const delay = jitterMs === undefined ? [] : [`RandomizedDelaySec=${jitterMs}ms`]
  if (rhythm.kind === 'every') {
    return ['OnActiveSec=0', `OnUnitActiveSec=${rhythm.everyMs}ms`, 'AccuracySec=1s', ...delay]
  }
  return [
    ...onCalendar(rhythm.line, rhythm.timezone).map((each) => `OnCalendar=${each}`),
    'AccuracySec=1s',
    ...delay,
    `Persistent=${catchUp}`,
  ]
}

/** One crontab, for a cron that knows CRON_TZ: cronie, not Debian's. */
export function crontab(plan: Plan, options: UnitOptions): UnitFile {
  const parts = timedOf(plan).map((sequence) => {
    const { rhythm, catchUp, jitterMs } = sequence
    const line = rhythm.kind === 'cron' ? cronFields(rhythm.line) : everyLine(rhythm.everyMs)
    const words = commandOf(sequence, options).map(shellWord).join(' ')
    return [
      `# ${titleOf(plan, sequence)}`,
      ...cautions(sequence, options).map((each) => `# ${each}`),
      ...(catchUp ? ['# cron cannot catch up on a missed run; "vectra-dr daemon" can'] : []),
      ...(jitterMs === undefined ? [] : ['# cron has no jitter: it starts when it is due']),
      ...(line === undefined
        ? ['# cron cannot run this so often or at this interval; use "vectra-dr daemon"']
        : [
            `CRON_TZ=${rhythm.kind === 'cron' ? rhythm.timezone : 'UTC'}`,
            // a percent sign would be a line feed
            `${line} ${words.replaceAll('%', '\\%')}`,
          ]),
    ].join('\n')
  })
  const head = `# Vectra DR: plan ${plan.name}. Needs a cron that knows CRON_TZ (cronie); others read the times in the machine's own zone.
# What cron does with hours that are skipped or repeated differs from one to the other.
`
  return { name: `vectra-dr-${plan.name}.crontab`, text: `${head}\n${parts.join('\n\n')}\n` }
}

const shellWord = (word: string): string =>
  /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`

/** Intervals that divide an hour in minutes, or a day in hours. */
function everyLine(everyMs: number): string | undefined {
  const minutes = everyMs / 60_000
  if (Number.isInteger(minutes) && minutes < 60 && 60 % minutes === 0) return `*/${minutes} * * * *`
  const hours = minutes / 60
  return Number.isInteger(hours) && hours <= 24 && 24 % hours === 0
    ? `0 ${hours === 24 ? '0' : `*/${hours}`} * * *`
    : undefined
}

/** One List of CronJobs, as JSON, which `kubectl apply -f` takes. What cannot be said is in `left`. */
export function cronJobs(
  plan: Plan,
  options: UnitOptions,
): { readonly file: UnitFile; readonly left: readonly string[] } {
  const left: string[] = []
  const items = timedOf(plan).flatMap((sequence) => {
    const { rhythm, jitterMs } = sequence
    const schedule = rhythm.kind === 'cron' ? cronFields(rhythm.line) : everyLine(rhythm.everyMs)
    if (jitterMs !== undefined) left.push(`${titleOf(plan, sequence)}: a CronJob has no jitter`)
    if (schedule === undefined) {
      left.push(`${titleOf(plan, sequence)}: a CronJob cannot run at this interval; use the daemon`)
      return []
    }
    const [program = '', ...args] = commandOf(sequence, options)
    const container = { name: 'vectra-dr', image: options.image, command: [program], args }
    const pod = { spec: { restartPolicy: 'Never', containers: [container] } }
    return [
      {
        apiVersion: 'batch/v1',
        kind: 'CronJob',
        metadata: { name: jobName(slug(plan, sequence)) },
        spec: {
          schedule,
          timeZone: rhythm.kind === 'cron' ? rhythm.timezone : 'UTC',
          concurrencyPolicy: 'Forbid',
          // a missed start is made up for within a day, or only within ten minutes
          startingDeadlineSeconds: sequence.catchUp ? 86_400 : 600,
          jobTemplate: { spec: { backoffLimit: 0, template: pod } },
        },
      },
    ]
  })
  const list = { apiVersion: 'v1', kind: 'List', items }
  const text = `${JSON.stringify(list, null, 2)}\n`
  return { file: { name: `vectra-dr-${plan.name}.cronjobs.json`, text }, left }
}

/** A CronJob's name has at most 52 characters, so that its jobs' names fit. */
const jobName = (name: string): string => name.slice(0, 52).replace(/-+$/, '')

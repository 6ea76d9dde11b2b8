import { expect, test } from 'vitest'
import {
  cronJobs,
  crontab,
  systemdUnits,
  unitCautions,
} from '../../../planner/schedule/unit-files.ts'
import { buildDrill, buildPlan } from '../../support/plan-builder.ts'
import { buildSchedule, cron, every } from '../../support/schedule-builder.ts'

const nightly = buildSchedule(cron('0 2 * * *', 'Europe/Zurich'), {
  catchUp: true,
  jitterMs: 300_000,
})
const log = buildSchedule(every(30_000), { name: 'log' })
const plan = buildPlan({
  name: 'shop',
  schedules: new Map([nightly, log].map((each) => [each.name, each])),
})
const options = { planFile: '/etc/dr/100% shop.yaml', image: 'dr:1', yes: false }

test('systemd gets a service and a timer each, in the zone, with jitter and catch-up', () => {
  const units = new Map(systemdUnits(plan, options).map(({ name, text }) => [name, text]))
  expect([...units.keys()]).toEqual([
    'vectra-dr-shop-schedule-nightly.service',
    'vectra-dr-shop-schedule-nightly.timer',
    'vectra-dr-shop-schedule-log.service',
    'vectra-dr-shop-schedule-log.timer',
  ])
  const timer = units.get('vectra-dr-shop-schedule-nightly.timer')
  expect(timer).toContain('OnCalendar=*-*-* 02:00:00 Europe/Zurich\n')
  expect(timer).toContain('RandomizedDelaySec=300000ms\nPersistent=true\n')
  expect(units.get('vectra-dr-shop-schedule-log.timer')).toContain('OnUnitActiveSec=30000ms\n')
  expect(units.get('vectra-dr-shop-schedule-nightly.service')).toContain(
    'ExecStart=/usr/bin/env "vectra-dr" "run" "/etc/dr/100%% shop.yaml" "--schedule" "nightly"\n',
  )
})

test('a crontab has the zone, and says what cron cannot do', () => {
  const { text } = crontab(plan, options)
  expect(text).toContain(
    "CRON_TZ=Europe/Zurich\n0 2 * * * vectra-dr run '/etc/dr/100\\% shop.yaml' --schedule nightly\n",
  )
  expect(text).toContain('# cron cannot catch up on a missed run')
  expect(text).toContain('# cron cannot run this so often')
})

test('Kubernetes gets CronJobs that do not overlap, and what they cannot do is told', () => {
  const { file, left } = cronJobs(plan, options)
  expect(JSON.parse(file.text)).toMatchObject({
    items: [
      {
        kind: 'CronJob',
        metadata: { name: 'vectra-dr-shop-schedule-nightly' },
        spec: {
          schedule: '0 2 * * *',
          timeZone: 'Europe/Zurich',
          concurrencyPolicy: 'Forbid',
          startingDeadlineSeconds: 86_400,
        },
      },
    ],
  })
  expect(left).toEqual([
    'schedule nightly of plan shop: a CronJob has no jitter',
    'schedule log of plan shop: a CronJob cannot run at this interval; use the daemon',
  ])
})

test('a drill that asks first says so in its unit, and gets --yes only when that was asked for', () => {
  const risky = buildDrill({ name: 'risky', confirm: true, rhythm: cron('0 4 1 * *', 'UTC') })
  const asking = { ...plan, schedules: new Map(), drills: new Map([['risky', risky]]) }
  const fails =
    'it touches production data and asks first: with nobody there it fails. Export it with --yes to have it run'
  const [service] = systemdUnits(asking, options)
  expect(service?.text).toMatch(new RegExp(`^# ${fails}\n\\[Unit\\]`))
  expect(service?.text).not.toContain('"--yes"')
  expect(crontab(asking, options).text).toContain(`# drill risky of plan shop\n# ${fails}\n`)
  expect(unitCautions(asking, options)).toEqual([`drill risky of plan shop: ${fails}`])
  const wanted = { ...options, yes: true }
  expect(systemdUnits(asking, wanted)[0]?.text).toContain(
    '"drill" "/etc/dr/100%% shop.yaml" "risky" "--yes"\n',
  )
  expect(crontab(asking, wanted).text).toMatch(/ risky --yes\n/)
  expect(cronJobs(asking, wanted).file.text).toContain('"--yes"')
  expect(unitCautions(asking, wanted)).toEqual([])
})

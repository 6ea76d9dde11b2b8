/**
 * The text of a first plan, from five answers: what to protect, where it is, where copies go, and what may be
 * lost in writes and in time. It is complete, runs as it is, and says in comments what its author has to
 * think about next. Pure.
 */
import { formatDuration, readDuration } from './units.ts'

/** Each as a plan writes it: names and durations are known to be some. */
export interface StarterAnswers {
  readonly collection: string
  /** Path of the data directory, from the plan's directory. */
  readonly data: string
  /** Path or URL of the destination. */
  readonly to: string
  readonly rpo: string
  readonly rto: string
}

const minuteMs = 60_000
const hourMs = 60 * minuteMs
/** Less than that is nothing for snapshots, which this plan makes. */
export const leastStarterRpoMs = 2 * minuteMs
/** A night may be 25 hours long, and the backup takes its time. */
const nightlyMs = 26 * hourMs

/** The whole file. */
export function starterPlan({ collection, data, to, rpo, rto }: StarterAnswers): string {
  const name = quoted(collection)
  // shorter and of fewer characters than a collection may be called
  const planName = collection.replaceAll(/[^\w-]/g, '-').slice(0, 64)
  const spare = quoted(`${data.replace(/\/+$/, '')}-restore-test`)
  const { rhythm, why } = rhythmFor(rpo)
  return `# What must be recoverable, how often copies are made, and how it is proven that they work.
#
#     vectra-dr check PLAN        what this plan cannot keep yet, and what to do about it
#     vectra-dr explain PLAN      what each step would do, without doing it
#     vectra-dr run PLAN --schedule backup
#     vectra-dr drill PLAN        restores the newest copy beside the data, and compares
#     vectra-dr recover PLAN bring-back
#     vectra-dr daemon PLAN       runs everything when it is due
#
# Every key that a plan may have: "vectra-dr schema", or plans/reference.yaml of the project.
version: 1
name: ${quoted(planName)}
owner: you                                   # who looks after this plan
timezone: UTC                                # of the times below: write your own, such as Europe/Zurich

# Relative paths start at this file. node, disk, region, account and vendor say what is lost together, such as
# { engine: vectra, path: …, node: shop-1, disk: data-1 }; what is not named counts as shared.
targets:
  primary: { engine: vectra, path: ${quoted(data)} }
  spare: { engine: vectra, path: ${spare} }   # restore tests go here, never over the data

collections:
  ${name}:
    target: primary
    objectives:
      rpo: ${rpo.padEnd(34)} # at most so much of what was written may be lost
      rto: ${rto.padEnd(34)} # so soon it must be back
      recall: 0.95                            # so many of the true nearest neighbours must be found then

destinations:
  backups: { url: ${quoted(to)} }
  # One copy dies with the place where it is. A second one elsewhere, encrypted, that nobody can delete:
  # offsite:
  #   url: s3://my-bucket/vectra
  #   region: eu-west-1
  #   encryption: { key: "\${env.VECTRA_BACKUP_KEY}" }
  #   objectLock: { mode: compliance, for: 35d }

schedules:
  backup:
    ${rhythm}${why}
    catchUp: true                            # what was missed is done once, when the machine is back
    timeout: 2h
    steps:
      # A snapshot is complete by itself, and stores only what is not there yet.
      - backup: { collections: [${name}], to: backups }
      # Only what was read back counts as a recovery point.
      - verify: { in: backups, collection: ${name}, snapshot: "\${steps.backup.snapshot}", depth: objects }
      # With a destination offsite:
      # - copy: { from: backups, to: offsite, collection: ${collection}, snapshot: "\${steps.backup.snapshot}" }
      # A snapshot stays when any of the rules keeps it.
      - prune: { in: backups, collection: ${name}, keep: { last: 3, daily: 14, weekly: 8 } }

drills:
  restore-test:
    cron: "0 4 1 * *"                        # on the first of the month
    catchUp: true
    proves: [rto, recall]                    # a pass is evidence for these objectives
    timeout: 4h
    steps:
      - restore: { from: [backups], collection: ${name}, snapshot: latest, into: spare, as: restore-test }
      - check:
          target: spare
          collection: restore-test
          against: snapshot
          count: equal
          digest: equal                      # every byte of every point
          parity: true                       # dimension, metric, index settings
          recall: { min: 0.95 }
    always:
      - drop: { target: spare, collection: restore-test, ifExists: true }

procedures:
  bring-back:
    description: The collection is lost or damaged. Bring the newest copy back in its place.
    for: [data]
    steps:
      - restore: { from: [backups], collection: ${name}, snapshot: latest, into: primary, replace: true }
        confirm: true                        # somebody says yes at the terminal, or --yes
      - check: { target: primary, collection: ${name}, against: snapshot, count: equal, digest: equal, parity: true, recall: { min: 0.95 } }

# Who is called when it fails, and in which order; "vectra-dr check" says what is missing here.
# people:
#   roles:
#     operator: { primary: first, deputies: [second] }
#   contacts:
#     first: { name: …, phone: …, hours: 24x7 }
#     second: { name: …, phone: …, hours: 24x7 }
#   escalation:
#     - { after: 0m, role: operator }

compliance:
  window: 90d                                # what reports look at
  drillEvery: 35d                            # an older proof no longer counts
`
}

/** How often copies are made so that the objective can be kept. */
function rhythmFor(rpo: string): { readonly rhythm: string; readonly why: string } {
  const rpoMs = readDuration(rpo).value ?? 0
  if (rpoMs >= nightlyMs) {
    return { rhythm: 'cron: "0 2 * * *"', why: '                        # every night' }
  }
  const everyMs = Math.max(minuteMs, Math.floor(rpoMs / 2 / minuteMs) * minuteMs)
  const why =
    '     # half of the rpo: the backup itself takes time. For minutes, "archive" steps cost less than snapshots.'
  return { rhythm: `every: ${formatDuration(everyMs)}`, why }
}

const plain = /^[A-Za-z./][\w./-]*$/
const otherwiseRead = /^(true|false|null|yes|no|on|off|y|n|\.nan|\.inf)$/i

/** A YAML text: as it stands, or in the quotes that YAML shares with JSON. */
const quoted = (text: string): string =>
  plain.test(text) && !otherwiseRead.test(text) ? text : JSON.stringify(text)

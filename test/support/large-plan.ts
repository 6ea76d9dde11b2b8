import { parse, stringify } from 'yaml'

/** A plan of 500 collections and 2,000 steps: each collection has four, in 100 schedules that are due at different times. */
export const largePlanCollections = 500
export const largePlanSteps = 2_000
const perSchedule = 5

export function largePlan(): string {
  const names = Array.from({ length: largePlanCollections }, (_, index) => `c${index}`)
  const schedules = Array.from({ length: largePlanCollections / perSchedule }, (_, index) => {
    const steps = names.slice(index * perSchedule, (index + 1) * perSchedule).map(
      (name) => `
      - backup: { collections: [${name}], to: local }
        id: ${name}
      - verify: { in: local, collection: ${name}, snapshot: "\${steps.${name}.snapshot}" }
      - copy: { from: local, to: offsite, collection: ${name}, snapshot: latest }
      - prune: { in: local, collection: ${name}, keep: { daily: 7 } }`,
    )
    const cron = `${index % 60} ${Math.floor(index / 60)} * * *`
    return `  s${index}:\n    cron: "${cron}"\n    steps:${steps.join('')}\n`
  })
  return `version: 1
name: many
owner: platform-team
targets: { primary: { engine: vectra, path: ./data } }
destinations: { local: { url: ./local }, offsite: { url: ./offsite } }
collections:
${names.map((name) => `  ${name}: { target: primary, objectives: { rpo: 1h, rto: 1h } }\n`).join('')}schedules:
${schedules.join('')}`
}

/** The same, every value on a line of its own, further in by four columns a level. */
export const largePlanInLines = (): string => stringify(parse(largePlan()), { indent: 4 })

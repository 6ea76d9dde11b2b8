/** Whether somebody answers, and somebody else when the first does not. */
import type { Contact, Escalation, Role } from '../plan/people.ts'
import type { Plan } from '../plan/plan.ts'
import { showDuration } from '../step/quantity.ts'
import { allTasks, type Facts, tasksOfKind, wanting } from './facts.ts'
import type { Rule } from './finding.ts'
import { minutesOfWeek, minuteText, weekOf } from './office-hours.ts'
import { exceeds, listed } from './words.ts'

const defaultGapMs = 60 * 60_000

const everybody = ({ primary, deputies }: Role): string[] => [primary, ...deputies]

const contactsOf = ({ people }: Plan, role: string): Contact[] => {
  const found = people.roles.get(role)
  return (found === undefined ? [] : everybody(found)).flatMap(
    (key) => people.contacts.get(key) ?? [],
  )
}

/** Roles that a procedure or drill waits for, with the steps that do. */
function approvalsOf({ sequences }: Facts) {
  return sequences.flatMap((sequence) =>
    tasksOfKind(allTasks(sequence), 'approve').map((step) => ({ sequence, step })),
  )
}

const smallestRto = (facts: Facts): number | undefined => {
  const all = wanting(facts, 'rto').map(({ wanted }) => wanted)
  return all.length === 0 ? undefined : Math.min(...all)
}

interface Answer {
  /** Minutes of the week in which nobody of the escalation answers. */
  readonly silent: readonly number[]
  /** The longest time until the first one is called who answers, and when that is. */
  readonly slowest?: { readonly afterMs: number; readonly minute: number }
}

/** Who has no hours counts as one who always answers. */
function answersOf(plan: Plan, escalation: readonly Escalation[]): Answer {
  const rungs = escalation.map(({ afterMs, role }) => ({
    afterMs,
    weeks: contactsOf(plan, role).map(({ hours }) => weekOf(hours ?? '24x7')),
  }))
  const silent: number[] = []
  let slowest: Answer['slowest']
  for (let minute = 0; minute < minutesOfWeek; minute++) {
    const first = rungs.find(({ weeks }) => weeks.some((week) => week[minute] === 1))
    if (first === undefined) silent.push(minute)
    else if (slowest === undefined || first.afterMs > slowest.afterMs) {
      slowest = { afterMs: first.afterMs, minute }
    }
  }
  return { silent, ...(slowest && { slowest }) }
}

const hoursText = (plan: Plan, role: string): string =>
  `${role}: ${contactsOf(plan, role)
    .map(({ key, hours }) => `${key} ${hours ?? 'hours not said'}`)
    .join('; ')}`

export const peopleRules: readonly Rule[] = [
  {
    code: 'approval-one-person',
    severity: 'warning',
    title: 'An approval that one person alone can give',
    why: 'On the day that person is on a plane, and the procedure waits.',
    remedy: 'Give the role a deputy.',
    find: (facts) =>
      approvalsOf(facts).flatMap(({ sequence, step }) => {
        const role = facts.plan.people.roles.get(step.input.by)
        return role === undefined || role.deputies.length > 0
          ? []
          : [
              {
                place: step.place,
                message: `step ${step.id} of ${sequence.kind} ${sequence.name} waits for ${role.primary} alone`,
                arithmetic: [`people in role ${role.name}: 1`],
              },
            ]
      }),
  },
  {
    code: 'role-one-person',
    severity: 'warning',
    title: 'A role without a deputy',
    why: 'A role of one person is empty in every holiday.',
    remedy: 'Name deputies.',
    find: (facts) => {
      const approvers = new Set(approvalsOf(facts).map(({ step }) => step.input.by))
      return [...facts.plan.people.roles.values()]
        .filter(({ name, deputies }) => deputies.length === 0 && !approvers.has(name))
        .map(({ name, primary, place }) => ({
          place,
          message: `role ${name} is ${primary} alone`,
          arithmetic: ['deputies: 0'],
        }))
    },
  },
  {
    code: 'contact-without-phone',
    severity: 'warning',
    title: 'Somebody who cannot be called',
    why: 'Mail may be down with the rest, and wakes nobody.',
    remedy: 'Write a phone number.',
    find: ({ plan }) => {
      const called = new Set([...plan.people.roles.values()].flatMap(everybody))
      return [...plan.people.contacts.values()]
        .filter(({ key, phone }) => phone === undefined && called.has(key))
        .map(({ key, place, email }) => ({
          place,
          message: `${key} has a role and no phone`,
          arithmetic: [`phone: none, email: ${email === undefined ? 'none' : 'given'}`],
        }))
    },
  },
  {
    code: 'escalation-missing',
    severity: 'note',
    title: 'Procedures, and nobody is called',
    why: 'Somebody has to start a procedure; the plan does not say who hears of the disaster first.',
    remedy: 'Write people.escalation, the first rung at 0m.',
    find: ({ plan }) => {
      const [procedure] = plan.procedures.values()
      return procedure === undefined || plan.people.escalation.length > 0
        ? []
        : [
            {
              place: procedure.place,
              message: 'the plan has procedures and no escalation',
              arithmetic: [`procedures: ${plan.procedures.size}, rungs of escalation: 0`],
            },
          ]
    },
  },
  {
    code: 'escalation-gap',
    severity: 'warning',
    title: 'Too long until the next one is called',
    why: 'When the first does not answer, the clock of the RTO runs until the next one hears of it.',
    remedy: 'Put a rung between them, or bring the next one forward.',
    find: (facts) => {
      const { escalation } = facts.plan.people
      const rto = smallestRto(facts)
      const limit = rto ?? defaultGapMs
      return escalation.flatMap((rung, index) => {
        const before = escalation[index - 1]
        const gap = rung.afterMs - (before?.afterMs ?? 0)
        if (gap < limit) return []
        return [
          {
            place: rung.place,
            message: `${rung.role} is called ${showDuration(gap)} after ${before?.role ?? 'the alarm'}`,
            arithmetic: [
              `${showDuration(rung.afterMs)} − ${showDuration(before?.afterMs ?? 0)} = ${showDuration(gap)}`,
              `${showDuration(gap)} ≥ ${showDuration(limit)}, ${rto === undefined ? 'the usual limit' : 'the smallest RTO'}`,
            ],
            ...(rto === undefined && {
              assumes: 'an hour is too long, where no RTO says otherwise',
            }),
          },
        ]
      })
    },
  },
  {
    code: 'escalation-late',
    severity: 'warning',
    title: 'In some hours the first who answers is called too late',
    why: 'Disasters keep no office hours.',
    remedy: 'Give the first rung somebody who answers at all hours.',
    find: (facts) => {
      const { escalation } = facts.plan.people
      const [first] = escalation
      const limit = smallestRto(facts)
      if (first === undefined || limit === undefined) return []
      const { slowest } = answersOf(facts.plan, escalation)
      if (slowest === undefined) return []
      if (slowest.afterMs < limit) return []
      return [
        {
          place: first.place,
          message: `on ${minuteText(slowest.minute)} the first who answers is called after ${showDuration(slowest.afterMs)}`,
          arithmetic: [
            ...escalation.map(
              ({ afterMs, role }) =>
                `after ${showDuration(afterMs)}, ${hoursText(facts.plan, role)}`,
            ),
            `${showDuration(slowest.afterMs)} ≥ ${showDuration(limit)}, the smallest RTO`,
          ],
          assumes: 'who has no hours always answers',
        },
      ]
    },
  },
  {
    code: 'hours-unreachable',
    severity: 'warning',
    title: 'Hours in which nobody answers',
    why: 'Disasters keep no office hours.',
    remedy: 'Add somebody with hours: 24x7 to a role of the escalation.',
    find: ({ plan }) => {
      const { escalation } = plan.people
      const [first] = escalation
      if (first === undefined) return []
      const { silent } = answersOf(plan, escalation)
      const [since] = silent
      if (since === undefined) return []
      const hours = Number((silent.length / 60).toFixed(1))
      return [
        {
          place: first.place,
          message: `in ${hours} of 168 hours of a week nobody of the escalation answers, such as ${minuteText(since)}`,
          arithmetic: [
            ...[...new Set(escalation.map(({ role }) => role))].map((role) =>
              hoursText(plan, role),
            ),
            `${silent.length} of ${minutesOfWeek} minutes without anybody`,
          ],
          assumes: 'who has no hours always answers; hours are of the plan’s time zone',
        },
      ]
    },
  },
  {
    code: 'approver-not-called',
    severity: 'note',
    title: 'Who approves is not in the escalation',
    why: 'The procedure asks for a yes of somebody whom nobody has called.',
    remedy: 'Add the role to people.escalation.',
    find: (facts) => {
      const { escalation } = facts.plan.people
      if (escalation.length === 0) return []
      const called = new Set(
        escalation.flatMap(({ role }) => contactsOf(facts.plan, role).map(({ key }) => key)),
      )
      const roles = new Set(approvalsOf(facts).map(({ step }) => step.input.by))
      return [...roles].flatMap((name) => {
        const role = facts.plan.people.roles.get(name)
        return role === undefined || everybody(role).some((key) => called.has(key))
          ? []
          : [
              {
                place: role.place,
                message: `role ${name} approves, and nobody of it is called`,
                arithmetic: [`called: ${listed([...called])}`],
              },
            ]
      })
    },
  },
  {
    code: 'message-late',
    severity: 'note',
    title: 'People are told after the RTO',
    why: 'By then the service is back, or the objective is missed; either way they found out themselves.',
    remedy: 'Tell them within a fraction of the RTO.',
    find: (facts) => {
      const limit = smallestRto(facts)
      return [...facts.plan.people.communications.values()].flatMap(
        ({ audience, withinMs, place }) =>
          limit === undefined || withinMs === undefined || withinMs <= limit
            ? []
            : [
                {
                  place,
                  message: `${audience} are told within ${showDuration(withinMs)}`,
                  arithmetic: [`${exceeds(withinMs, limit)}, the smallest RTO`],
                },
              ],
      )
    },
  },
]

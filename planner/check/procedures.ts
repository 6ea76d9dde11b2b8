/** Whether there is something to do for what can happen, and whether it would work then. */
import type { Plan, Procedure } from '../plan/plan.ts'
import { tasksOf } from '../plan/plan.ts'
import { type DomainKind, domainKinds, lostNowhere, survival } from '../plan/survival.ts'
import { type Facts, tasksOfKind } from './facts.ts'
import type { Found, Rule } from './finding.ts'
import { listed } from './words.ts'

const isDomain = (word: string): word is DomainKind => domainKinds.some((kind) => kind === word)

/** Targets that collections live on. */
const homes = ({ judged, plan }: Facts) => [
  ...new Set(judged.flatMap(({ target }) => plan.targets.get(target) ?? [])),
]

const answeredBy = ({ procedures }: Plan, kind: string): Procedure[] =>
  [...procedures.values()].filter((procedure) => procedure.for.includes(kind))

/** Where a procedure puts the service: targets of restores and unplanned promotions. */
const landingsOf = (procedure: Procedure) => [
  ...tasksOfKind(tasksOf(procedure.steps), 'restore').map((step) => ({
    step,
    target: step.input.into,
    collections: [step.input.collection],
  })),
  ...tasksOfKind(tasksOf(procedure.steps), 'promote')
    .filter(({ input }) => !input.planned)
    .map((step) => ({ step, target: step.input.target, collections: step.input.collections })),
]

export const procedureRules: readonly Rule[] = [
  {
    code: 'procedures-none',
    severity: 'note',
    title: 'The plan does not say what people do',
    why: 'In a disaster people follow a runbook; it is written from procedures, and there are none.',
    remedy: 'Write a procedure for each loss that you plan for, under procedures:.',
    find: (facts) => {
      const [first] = facts.judged
      return first === undefined || facts.plan.procedures.size > 0
        ? []
        : [
            {
              place: first.place,
              message: 'the plan has no procedure',
              arithmetic: ['procedures: 0'],
            },
          ]
    },
  },
  {
    code: 'procedure-missing',
    severity: 'warning',
    title: 'A declared failure domain without a procedure',
    why: 'The plan names what can be lost, and does not say what to do then.',
    remedy: 'Add the word to for: of the procedure that helps, or write one.',
    find: (facts) =>
      facts.plan.procedures.size === 0
        ? []
        : homes(facts).flatMap((target): Found[] => {
            const missing = domainKinds.filter(
              (kind) =>
                target.domains[kind] !== undefined && answeredBy(facts.plan, kind).length === 0,
            )
            return missing.length === 0
              ? []
              : [
                  {
                    place: target.place,
                    message: `no procedure is for the loss of the ${listed(missing)} of ${target.name}`,
                    arithmetic: [...facts.plan.procedures.values()].map(
                      (procedure) =>
                        `${procedure.name} is for: ${procedure.for.join(', ') || 'nothing'}`,
                    ),
                  },
                ]
          }),
  },
  {
    code: 'procedure-data',
    severity: 'warning',
    title: 'No procedure for damaged or deleted data',
    why: 'Mistakes and attacks are the most frequent disasters, and a standby follows them.',
    remedy: 'Write a procedure with for: [data] that restores to a moment before the damage.',
    find: ({ plan, judged }) => {
      const [first] = plan.procedures.values()
      return first === undefined || judged.length === 0 || answeredBy(plan, 'data').length > 0
        ? []
        : [
            {
              place: first.place,
              message: 'no procedure is for the loss of data',
              arithmetic: [`procedures with for: [data]: 0 of ${plan.procedures.size}`],
            },
          ]
    },
  },
  {
    code: 'procedure-into-lost',
    severity: 'warning',
    title: 'A procedure brings the service back to what was lost',
    why: 'When the region is gone, nothing can be restored into it.',
    remedy: 'Restore into a target elsewhere, or say that the procedure is for another loss.',
    find: (facts) =>
      [...facts.plan.procedures.values()].flatMap((procedure) =>
        landingsOf(procedure).flatMap(({ step, target, collections }): Found[] => {
          const landing = facts.plan.targets.get(target)
          const lost = procedure.for.filter(isDomain).filter((kind) =>
            collections.some((name) => {
              const home = facts.plan.targets.get(facts.plan.collections.get(name)?.target ?? '')
              return (
                home !== undefined &&
                landing !== undefined &&
                survival(home.domains, landing.domains, kind) === 'shared'
              )
            }),
          )
          return lost.length === 0
            ? []
            : [
                {
                  place: step.place,
                  message: `procedure ${procedure.name} is for the loss of the ${listed(lost)}, and brings ${listed([...collections])} back on ${target}, which is lost as well`,
                  arithmetic: lost.map(
                    (kind) => `${kind} of ${target}: ${landing?.domains[kind] ?? ''}`,
                  ),
                },
              ]
        }),
      ),
  },
  {
    code: 'procedure-unchecked',
    severity: 'note',
    title: 'A procedure that does not look whether it worked',
    why: 'The service answers, and nobody knows whether with everything that belongs to it.',
    remedy: 'End it with a check or a probe step.',
    find: ({ plan }) =>
      [...plan.procedures.values()].flatMap((procedure) => {
        const tasks = tasksOf(procedure.steps)
        const looks = tasks.some(
          ({ kind }) => kind === 'check' || kind === 'probe' || kind === 'reconcile',
        )
        return looks || landingsOf(procedure).length === 0
          ? []
          : [
              {
                place: procedure.place,
                message: `procedure ${procedure.name} brings something back and checks nothing`,
                arithmetic: [`check, probe and reconcile steps: 0 of ${tasks.length}`],
              },
            ]
      }),
  },
  {
    code: 'scenario-procedure',
    severity: 'warning',
    title: 'A story that its procedure is not for',
    why: 'A tabletop of it rehearses the wrong answer.',
    remedy: 'Name the procedure that helps, or add the kind of loss to its for:.',
    find: ({ plan }) =>
      [...plan.scenarios.values()].flatMap(({ name, kind, recover, place }) => {
        const procedure = plan.procedures.get(recover)
        return procedure === undefined || procedure.for.includes(kind)
          ? []
          : [
              {
                place,
                message: `scenario ${name} loses ${kind === 'data' ? 'data' : `a ${kind}`} and is answered by ${recover}, which is not for that`,
                arithmetic: [`${recover} is for: ${procedure.for.join(', ') || 'nothing'}`],
              },
            ]
      }),
  },
  {
    code: 'scenario-nowhere',
    severity: 'warning',
    title: 'A story that takes away what is nowhere',
    why: 'Nothing is lost in it, so that every procedure helps: a tabletop of it proves nothing.',
    remedy: 'Write the name as a target or a destination has it.',
    find: ({ plan }) => {
      const domains = [...plan.targets.values(), ...plan.destinations.values()].map(
        (each) => each.domains,
      )
      return [...plan.scenarios.values()].flatMap(({ name: scenario, loses, place }) =>
        lostNowhere(loses, domains).map(
          ({ kind, name, known }): Found => ({
            place,
            message: `scenario ${scenario} loses ${kind} ${name}, and no target or destination is there`,
            arithmetic: [`named as ${kind}: ${known.join(', ')}`],
          }),
        ),
      )
    },
  },
]

/** Whether the plan and its record can be relied on: objectives, exclusions, review, ledger. */
import { showDuration } from '../step/quantity.ts'
import type { Facts } from './facts.ts'
import type { Found, Rule } from './finding.ts'
import { listed, shortIso } from './words.ts'

const dayMs = 86_400_000
const reviewMs = 365 * dayMs

/** Somewhere in the plan that stands for all of it. */
const planPlace = ({ plan }: Facts): Found['place'] => ({
  file: plan.file,
  line: 1,
  column: 1,
  path: '',
})

const emptyReason =
  /^(?:\W*|tbd|todo|n\/?a|none|no reason|later|fixme|x+|temp(?:orary)?|test|\?+)$/i

const collectionPlace = (facts: Facts, name: string): Found['place'] =>
  facts.plan.collections.get(name)?.place ?? planPlace(facts)

export const recordRules: readonly Rule[] = [
  {
    code: 'objective-missing',
    severity: 'warning',
    title: 'A collection without objectives',
    why: 'Nobody can say whether its recovery was good enough, because nobody said what is.',
    remedy: 'Give it objectives or a tier, or exclude it under compliance: with the reason.',
    find: ({ judged }) =>
      judged
        .filter(({ objectives }) => Object.keys(objectives).length === 0)
        .map(({ name, place }) => ({
          place,
          message: `${name} has no objective`,
          arithmetic: ['rpo: none, rto: none, recall: none'],
        })),
  },
  {
    code: 'exclusion-reason',
    severity: 'warning',
    title: 'An exclusion without a reason',
    why: 'Who reads the report has to know why something is left out; “tbd” is no reason.',
    remedy: 'Write the reason, or take the exclusion out.',
    find: (facts) =>
      [...facts.plan.compliance.exclusions]
        .filter(([, reason]) => emptyReason.test(reason.trim()))
        .map(([name, reason]) => ({
          place: collectionPlace(facts, name),
          message: `${name} is excluded, and the reason is ${JSON.stringify(reason)}`,
          arithmetic: ['words that say why: 0'],
        })),
  },
  {
    code: 'exclusion-with-objectives',
    severity: 'note',
    title: 'Excluded, and with objectives of its own',
    why: 'Either its objectives count or they do not; the report will not judge them.',
    remedy: 'Take one of the two out.',
    find: (facts) =>
      [...facts.plan.compliance.exclusions.keys()].flatMap((name) => {
        const collection = facts.plan.collections.get(name)
        const kinds = Object.keys(collection?.objectives ?? {})
        return collection === undefined || kinds.length === 0
          ? []
          : [
              {
                place: collection.place,
                message: `${name} is excluded, and has objectives`,
                arithmetic: [
                  `objectives: ${kinds.map((kind) => kind.replace('Ms', '')).join(', ')}`,
                ],
              },
            ]
      }),
  },
  {
    code: 'review-stale',
    severity: 'warning',
    title: 'Nobody has gone through the plan for a year',
    why: 'People, systems and sizes change; a plan that is not looked at describes a house that is gone.',
    remedy: 'Go through it, and write the day into reviewedAt.',
    find: (facts) => {
      const { reviewedAt } = facts.plan
      if (reviewedAt === undefined || facts.at - reviewedAt <= reviewMs) return []
      const age = Math.floor((facts.at - reviewedAt) / dayMs) * dayMs
      return [
        {
          place: planPlace(facts),
          message: `the plan was reviewed ${showDuration(age)} ago`,
          arithmetic: [
            `reviewedAt: ${shortIso(reviewedAt)}; today: ${shortIso(facts.at)}`,
            `${showDuration(age)} > ${showDuration(reviewMs)}`,
          ],
          assumes: 'once a year is often enough',
        },
      ]
    },
  },
  {
    code: 'review-never',
    severity: 'note',
    title: 'The plan does not say when it was reviewed',
    why: 'Who reads it on the day does not know whether it is of this year.',
    remedy: 'Write reviewedAt: with the day on which somebody went through it.',
    find: (facts) =>
      facts.plan.reviewedAt === undefined
        ? [
            {
              place: planPlace(facts),
              message: 'the plan has no reviewedAt',
              arithmetic: ['reviewedAt: none'],
            },
          ]
        : [],
  },
  {
    code: 'review-future',
    severity: 'warning',
    title: 'A review that has not been',
    why: 'A day to come is no day on which somebody looked.',
    remedy: 'Write the day of the last review.',
    find: (facts) =>
      facts.plan.reviewedAt !== undefined && facts.plan.reviewedAt > facts.at + dayMs
        ? [
            {
              place: planPlace(facts),
              message: `reviewedAt is ${shortIso(facts.plan.reviewedAt)}, which is to come`,
              arithmetic: [`today: ${shortIso(facts.at)}`],
            },
          ]
        : [],
  },
  {
    code: 'ledger-unsigned',
    severity: 'note',
    title: 'The ledger is not signed',
    why: 'Its chain shows every later change, but not who wrote it: somebody could write another whole ledger.',
    remedy: 'Write ledger: { signing: { keyFile: … } }.',
    find: (facts) =>
      facts.plan.ledger.signingKeyFile === undefined
        ? [
            {
              place: planPlace(facts),
              message: 'lines of the ledger are not signed',
              arithmetic: ['ledger.signing: none', ...frameworkLine(facts)],
            },
          ]
        : [],
  },
  {
    code: 'ledger-unanchored',
    severity: 'note',
    title: 'The ledger has no anchor',
    why: 'Who can replace the ledger and its head can replace the past; a copy of the head elsewhere shows it.',
    remedy: 'Write ledger: { anchor: … } with a destination elsewhere.',
    find: (facts) =>
      facts.plan.ledger.anchor === undefined
        ? [
            {
              place: planPlace(facts),
              message: 'the head of the ledger is kept beside the ledger only',
              arithmetic: ['ledger.anchor: none', ...frameworkLine(facts)],
            },
          ]
        : [],
  },
  {
    code: 'frameworks-unbacked',
    severity: 'warning',
    title: 'Frameworks are named, and nobody signs or drills',
    why: 'Their auditors ask for a rhythm of tests and for a name under the report.',
    remedy: 'Write compliance.drillEvery and compliance.signers.',
    find: (facts) => {
      const { frameworks, drillEveryMs, signers } = facts.plan.compliance
      const lacking = [
        ...(drillEveryMs === undefined ? ['drillEvery'] : []),
        ...(signers.length === 0 ? ['signers'] : []),
      ]
      return frameworks.length === 0 || lacking.length === 0
        ? []
        : [
            {
              place: planPlace(facts),
              message: `compliance names ${listed([...frameworks])} and has no ${listed(lacking)}`,
              arithmetic: lacking.map((key) => `compliance.${key}: none`),
            },
          ]
    },
  },
]

const frameworkLine = ({ plan }: Facts): string[] =>
  plan.compliance.frameworks.length === 0
    ? []
    : [`evidence for: ${plan.compliance.frameworks.join(', ')}`]

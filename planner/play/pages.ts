/**
 * The two pages that are handed out before an exercise: the facilitator's, with every inject, what it should
 * lead to, and the way through the procedure; the players', with the situation and the people, and nothing
 * that is still to come. Pure.
 */
import type { Plan } from '../plan/plan.ts'
import { formatDuration } from '../plan/units.ts'
import type { Block, Section, Story } from '../report/block.ts'
import { none, sentence, table } from '../report/cells.ts'
import { showDuration } from '../step/quantity.ts'
import { clockText, injectText } from './event-text.ts'
import type { PlaySetup } from './play-setup.ts'
import { typedHelp } from './typed-act.ts'

const rules = [
  'nothing is touched: no command is run on any system',
  'say what you would do, and who does it; a wrong turn is no shame, that is what this is for',
  'the clock is that of the story: what a step takes is told, not waited for',
]

/** What players may know before it begins. */
export const tellPlayers = (setup: PlaySetup): Story => {
  const { plan } = setup
  return {
    title: `Exercise of ${plan.name}: for players`,
    lead: `Something has happened to what ${plan.name} protects. What it is, you learn as you would on the day.`,
    sections: [
      { heading: 'What is protected', blocks: protectedBlocks(plan) },
      { heading: 'Who you are', blocks: peopleBlocks(plan) },
      { heading: 'How it goes', blocks: [{ kind: 'list', items: rules }] },
      {
        heading: 'At hand',
        blocks: [sentence('The runbook, and what you have on a normal day. Nothing else.')],
      },
    ],
  }
}

/** All of the story and the way through it. */
export function tellFacilitator(setup: PlaySetup): Story {
  const { plan, scenario, procedure, rtoMs, steps } = setup
  const lost = [...scenario.loses].map(([kind, name]) => `${kind} ${name}`)
  return {
    title: `Exercise of ${plan.name}: ${scenario.name}, for the facilitator`,
    lead: `${scenario.description ?? `A story of ${scenario.kind}.`} It calls for procedure ${procedure.name}. Keep this page from the players.`,
    sections: [
      {
        heading: 'Objectives',
        blocks: [{ kind: 'list', items: objectiveTexts(setup).map(([, text]) => text) }],
      },
      {
        heading: 'The story',
        blocks: [
          sentence(`Lost: ${lost.length === 0 ? 'the data itself' : lost.join(', ')}.`),
          ...table(
            ['When', 'Inject', 'It should lead to'],
            scenario.injects.map(({ atMs, expect }, index) => [
              clockText(atMs),
              injectText(setup, index),
              expect ?? none,
            ]),
          ),
        ],
      },
      {
        heading: 'The way through',
        blocks: [
          sentence(
            `Somebody answers, declares, chooses ${procedure.name}${rtoMs === undefined ? '' : `; the service is wanted back within ${showDuration(rtoMs)}`}.`,
          ),
          ...(steps.get(procedure.name) ?? []).flatMap((step): Block[] => [
            { kind: 'heading', isStep: true, text: `${step.id}: ${step.sentence}` },
            ...(step.role === undefined ? [] : [sentence(`Asks: ${step.role}.`)]),
            ...(step.commands.length === 0
              ? []
              : [{ kind: 'commands', lines: step.commands } as const]),
            sentence(
              `Expected: ${step.expected}.${step.takesMs === 0 ? '' : ` Takes about ${showDuration(step.takesMs)} on the clock of the exercise.`}`,
            ),
          ]),
        ],
      },
      { heading: 'People', blocks: peopleBlocks(plan) },
      ...questionSection(setup),
      { heading: 'What you type', blocks: [{ kind: 'lines', lines: typedHelp }] },
      { heading: 'Rules', blocks: [{ kind: 'list', items: rules }] },
    ],
  }
}

const questionSection = ({ scenario }: PlaySetup): Section[] =>
  scenario.questions.length === 0
    ? []
    : [
        {
          heading: 'Questions for the talk afterwards',
          blocks: [
            {
              kind: 'list',
              items: scenario.questions.map((text, index) => `${index + 1}: ${text}`),
            },
          ],
        },
      ]

const protectedBlocks = ({ collections }: Plan): Block[] =>
  table(
    ['Collection', 'Back within', 'At most lost'],
    [...collections.values()].map(({ name, objectives: { rtoMs, rpoMs } }) => [
      name,
      rtoMs === undefined ? none : showDuration(rtoMs),
      rpoMs === undefined ? none : showDuration(rpoMs),
    ]),
  )

/** By key: the sheet may lie on the table of another company. */
const peopleBlocks = ({ people }: Plan): Block[] => [
  ...table(
    ['Role', 'First', 'Deputies'],
    [...people.roles.values()].map(({ name, primary, deputies }) => [
      name,
      primary,
      deputies.length === 0 ? none : deputies.join(', '),
    ]),
  ),
  ...table(
    ['Escalation', 'Role'],
    people.escalation.map(({ afterMs, role }) => [
      afterMs === 0 ? 'at the alarm' : `${formatDuration(afterMs)} without an answer`,
      role,
    ]),
  ),
]

/** What the exercise looks at: a key, and the sentence. */
export function objectiveTexts({ plan, procedure, rtoMs }: PlaySetup): [string, string][] {
  const [first] = plan.people.escalation.filter(({ afterMs }) => afterMs > 0)
  return [
    [
      'answered',
      `somebody answers the alarm${first === undefined ? '' : ` before it is escalated, ${formatDuration(first.afterMs)} after it`}`,
    ],
    ['declared', 'somebody declares the disaster before they choose'],
    ['chosen', `the first procedure that is chosen is ${procedure.name}`],
    ['in-order', 'its steps are done in their order, by those who may'],
    [
      'served',
      `the service is back${rtoMs === undefined ? '' : ` within ${showDuration(rtoMs)}, on the clock of the exercise`}`,
    ],
  ]
}

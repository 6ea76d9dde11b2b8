/** Who is called, who decides, who is told: the part of a runbook that is about people. Pure. */
import { stepsOf, type TaskTree } from '../compile/task.ts'
import type { Contact } from '../plan/people.ts'
import type { Plan } from '../plan/plan.ts'
import type { Block, Section } from '../report/block.ts'
import { none, sentence, table } from '../report/cells.ts'
import { channelCommands } from '../step/notify.ts'
import { showDuration } from '../step/quantity.ts'
import { shellLineOf, spoken } from './shell-text.ts'

/** Who is called when, and with which number. */
export function callSection(plan: Plan): Section {
  const { roles, escalation, contacts } = plan.people
  const heading = 'Who is called'
  if (roles.size === 0) {
    return {
      heading,
      blocks: [
        sentence('The plan names nobody: whoever is on call decides, and calls whom they know.'),
      ],
    }
  }
  const called = new Set(escalation.map(({ role }) => role))
  const rows = [
    ...escalation.flatMap(({ afterMs, role }) =>
      rowsOf(
        plan,
        role,
        afterMs === 0 ? 'at once' : `after ${showDuration(afterMs)} without an answer`,
      ),
    ),
    ...[...roles.keys()]
      .filter((role) => !called.has(role))
      .flatMap((role) => rowsOf(plan, role, 'when a step needs them')),
  ]
  const spare = [...contacts.values()].filter(
    ({ key }) =>
      ![...roles.values()].some((role) => [role.primary, ...role.deputies].includes(key)),
  )
  return {
    heading,
    blocks: [
      sentence('From top to bottom. Who does not answer is called again after the next one.'),
      ...table(
        ['When', 'Role', 'Who', 'Phone', 'E-mail', `Hours (${plan.timezone})`],
        [...rows, ...spare.map((contact) => ['', none, ...contactCells(contact)])],
      ),
    ],
  }
}

function rowsOf({ people }: Plan, role: string, when: string): string[][] {
  const { primary, deputies } = people.roles.get(role) ?? { primary: '', deputies: [] }
  return [primary, ...deputies].flatMap((key, index) => {
    const contact = people.contacts.get(key)
    if (contact === undefined) return []
    return [
      [
        index === 0 ? when : 'else',
        index === 0 ? role : `deputy of ${role}`,
        ...contactCells(contact),
      ],
    ]
  })
}

const contactCells = ({ key, name, phone, email, hours }: Contact): string[] => [
  `${name} (${key})`,
  phone ?? none,
  email ?? none,
  hours ?? 'not said',
]

/** Names of people who hold a role: `First on call (first), else Second on call (second)`. */
export function holdersText({ people }: Plan, role: string): string {
  const found = people.roles.get(role)
  const names = [found?.primary, ...(found?.deputies ?? [])].flatMap((key) => {
    const contact = people.contacts.get(key ?? '')
    return contact === undefined
      ? []
      : [`${contact.name}${contact.phone === undefined ? '' : `, ${contact.phone}`}`]
  })
  return names.length === 0 ? role : `${role}: ${names.join('; else ')}`
}

/** Who has to say yes in the procedure. */
export function decidesText(plan: Plan, tree: TaskTree): string {
  const roles = tree.stages
    .flatMap((stage) => stepsOf(stage.tasks))
    .filter(({ stepKind }) => stepKind === 'approve')
    .flatMap(({ touches }) => touches.map(({ name }) => name))
  const distinct = [...new Set(roles)]
  return distinct.length === 0
    ? 'whoever is on call; no step asks for a yes'
    : distinct.map((role) => holdersText(plan, role)).join('. ')
}

/** Templates of messages. */
export function tellSection(plan: Plan): Section {
  const { communications } = plan.people
  const heading = 'What people are told'
  if (communications.size === 0) {
    return {
      heading,
      blocks: [
        sentence(
          'The plan has no templates. Say what is broken, what is not, what was lost as far as it is known, and when you will say more; then say more at that time.',
        ),
      ],
    }
  }
  return {
    heading,
    blocks: [...communications.values()].flatMap(
      ({ audience, channel, withinMs, by, message }): Block[] => {
        const commands = channelCommands(channel, message, plan)
        const within = withinMs === undefined ? '' : `, within ${showDuration(withinMs)}`
        return [
          { kind: 'heading', text: `${audience}: through ${channel}${within}` },
          ...(by === undefined ? [] : [sentence(`By ${holdersText(plan, by)}.`)]),
          { kind: 'lines', lines: [spoken(message, plan)] },
          { kind: 'commands', lines: commands.map((words) => shellLineOf(words, plan)) },
        ]
      },
    ),
  }
}

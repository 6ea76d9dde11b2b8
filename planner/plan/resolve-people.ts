/** People, channels, messages and stories that passed every check → those of the frozen plan. */
import { frozenMap } from './frozen-map.ts'
import { named } from './named.ts'
import type { Channel, Communication, Contact, Escalation, People, Role } from './people.ts'
import { optional, type PlanNode } from './plan-node.ts'
import { resolveCommand } from './resolve-command.ts'
import type { Failing, Scenario, ScenarioInject } from './scenario.ts'
import { readDuration } from './units.ts'

const texts = (list: PlanNode | undefined): string[] =>
  (list?.items() ?? []).map((item) => item.text())

/** @param directory in which relative paths of programs start */
export function resolvePeople(root: PlanNode, directory: string): People {
  const people = root.get('people')
  const escalation = (people?.get('escalation')?.items() ?? []).map(resolveEscalation)
  return {
    roles: named(people?.get('roles'), resolveRole),
    contacts: named(people?.get('contacts'), resolveContact),
    escalation: escalation.sort((a, b) => a.afterMs - b.afterMs),
    channels: named(root.get('channels'), (name, node) => resolveChannel(name, node, directory)),
    communications: named(root.get('communications'), resolveCommunication),
  }
}

const resolveRole = (name: string, node: PlanNode): Role => ({
  name,
  primary: node.need('primary').text(),
  deputies: texts(node.get('deputies')),
  place: node.place,
})

const resolveContact = (key: string, node: PlanNode): Contact => ({
  key,
  name: node.need('name').text(),
  ...optional('phone', node.get('phone')?.text()),
  ...optional('email', node.get('email')?.text()),
  ...optional('hours', node.get('hours')?.text()),
  place: node.place,
})

const resolveEscalation = (node: PlanNode): Escalation => ({
  afterMs: node.need('after').read(readDuration),
  role: node.need('role').text(),
  place: node.place,
})

function resolveChannel(name: string, node: PlanNode, directory: string): Channel {
  const shared = {
    name,
    allowPrivate: node.get('allowPrivate')?.flag() ?? false,
    place: node.place,
  }
  const webhook = node.get('webhook')
  return webhook === undefined
    ? { kind: 'exec', ...shared, command: resolveCommand(node.need('exec'), directory) }
    : { kind: 'webhook', ...shared, url: webhook.template() }
}

const resolveCommunication = (audience: string, node: PlanNode): Communication => ({
  audience,
  channel: node.need('channel').text(),
  ...optional('withinMs', node.get('within')?.read(readDuration)),
  ...optional('by', node.get('by')?.text()),
  message: node.need('message').text(),
  place: node.place,
})

const domains = ['node', 'disk', 'region', 'account', 'vendor'] as const

/** A story, its events in the order in which they happen. */
export function resolveScenario(name: string, node: PlanNode): Scenario {
  const loses = domains.flatMap((domain) => {
    const lost = node.get('loses')?.get(domain)?.text()
    return lost === undefined ? [] : [[domain, lost] as const]
  })
  const injects = (node.get('injects')?.items() ?? []).map(resolveInject)
  return {
    name,
    ...optional('description', node.get('description')?.text()),
    kind: node.need('kind').word([...domains, 'data']),
    loses: frozenMap(loses),
    recover: node.need('recover').text(),
    injects: injects.sort((a, b) => a.atMs - b.atMs),
    questions: texts(node.get('questions')),
    place: node.place,
  }
}

const resolveInject = (node: PlanNode): ScenarioInject => ({
  atMs: node.need('at').read(readDuration),
  ...optional('say', node.get('say')?.text()),
  ...optional(
    'expect',
    node.get('expect')?.word(['detect', 'declare', 'decide', 'restore', 'verify', 'serve']),
  ),
  ...optional('fail', resolveFailing(node.get('fail'))),
  place: node.place,
})

function resolveFailing(node: PlanNode | undefined): Failing | undefined {
  if (node === undefined) return undefined
  const [what] = (['contact', 'destination', 'target'] as const).filter((key) => node.has(key))
  if (what === undefined) return node.fail('names nothing that fails')
  return {
    what,
    name: node.need(what).text(),
    ...optional('forMs', node.get('for')?.read(readDuration)),
  }
}

/**
 * A plan as the page that people read under pressure: who, what, in which order, with which command, and
 * how one sees that it worked. Made from the task trees that are run, so that it cannot say something
 * else. Pure: the same plan and the same ledger give the same bytes; nothing in it tells the time, the
 * machine or the values of variables. What comes from the ledger is marked, line by line.
 */
import * as path from 'node:path'
import { compile } from '../compile/compile.ts'
import type { LedgerEntry } from '../ledger/ledger-line.ts'
import type { Drill, Plan, Target } from '../plan/plan.ts'
import type { Block, Section, Story } from '../report/block.ts'
import { none, sentence, table } from '../report/cells.ts'
import { toHtml } from '../report/html.ts'
import { toMarkdown } from '../report/markdown.ts'
import { showDuration } from '../step/quantity.ts'
import type { StepRegistry } from '../step/step.ts'
import { capabilitiesOf } from '../target/capabilities.ts'
import {
  accessWords,
  typedDestination,
  vectraCli,
  withoutStrayKey,
} from '../target/command-line.ts'
import { type Found, lastRunText } from './found.ts'
import { historyIn } from './measured-history.ts'
import { callSection, decidesText, tellSection } from './people-story.ts'
import { procedureSection, whenText } from './procedure-story.ts'
import { shellLineOf } from './shell-text.ts'
import { asWritten } from './variables.ts'

export interface RunbookRequest {
  readonly plan: Plan
  readonly registry: StepRegistry
  /** Of the whole ledger; those of other plans are passed over. */
  readonly entries: readonly LedgerEntry[]
  readonly found: Found
}

export type RunbookFormat = 'md' | 'html'

/** The page. */
export function toRunbook(request: RunbookRequest, format: RunbookFormat): string {
  const story = tellRunbook(request)
  // paths, addresses and messages may hold variables of the environment
  return asWritten(format === 'md' ? toMarkdown(story) : toHtml(story), request.plan)
}

/** `quickstart.md` for `plans/quickstart.yaml`. */
export const runbookName = ({ file }: Plan, format: RunbookFormat): string =>
  `${path.parse(file).name}.${format}`

/** The page apart from how it looks. */
export function tellRunbook({ plan, registry, entries, found }: RunbookRequest): Story {
  const procedures = [...plan.procedures.values()].map((procedure) => ({
    procedure,
    tree: compile(plan, procedure, { registry, history: historyIn(plan, procedure, entries) }),
  }))
  return {
    title: `Runbook: ${plan.name}`,
    lead: `${plan.description ?? 'What to do when data is lost.'} Owner: ${plan.owner}. Commands are typed in the directory of ${path.basename(plan.file)}, with "npx" before them where they are not on your PATH.`,
    sections: [
      {
        heading: 'Which procedure',
        blocks: [
          ...(procedures.length === 0
            ? [
                sentence(
                  'The plan has no procedure. Write one under procedures: for each loss; until then the drills below say how its data comes back.',
                ),
              ]
            : []),
          ...table(
            ['Lost', 'Procedure', 'Who decides'],
            procedures.map(({ procedure, tree }) => [
              whenText(plan, procedure),
              procedure.name,
              decidesText(plan, tree),
            ]),
          ),
        ],
      },
      callSection(plan),
      tellSection(plan),
      lookSection(plan),
      ...procedures.map(({ procedure, tree }) => procedureSection(plan, procedure, tree, found)),
      ...drillSections(plan, found),
      afterSection(plan),
      originSection(plan),
    ],
  }
}

/** Commands that only look. */
function lookSection(plan: Plan): Section {
  const file = path.basename(plan.file)
  const homes = new Set(
    [...plan.collections.values()]
      .filter(({ name }) => !plan.compliance.exclusions.has(name))
      .map(({ target }) => target),
  )
  const targets = [...plan.targets.values()].filter(({ name }) => homes.has(name))
  const isReached = (target: Target) => capabilitiesOf(target).size > 0
  const lists = targets
    .filter(isReached)
    .map(({ name }) => shellLineOf(vectraCli(plan, name, 'collections', 'list'), plan))
  const others = targets.filter((each) => !isReached(each)).map(({ name }) => name)
  const standbys = new Set([...plan.replication.values()].flatMap(({ to }) => to))
  const lags = [...standbys]
    .filter((name) => plan.targets.get(name)?.kind === 'vectra-server')
    .map((name) => shellLineOf(vectraCli(plan, name, 'cluster', 'status'), plan))
  const reading = (...words: readonly string[]) =>
    [...plan.destinations.keys()].map((name) =>
      shellLineOf(
        withoutStrayKey(plan, [
          ...['vectra-cli', 'collections', 'backup', ...words],
          ...['--source', typedDestination(plan, name)],
          ...accessWords(plan, [name], 'reads'),
        ]),
        plan,
      ),
    )
  const variables = plan.secrets.map(({ name }) => name)
  return {
    heading: 'First look, change nothing',
    blocks: [
      ...(variables.length === 0
        ? []
        : [
            sentence(
              `These variables of the environment have to be set, here and below: ${variables.join(', ')}. This page does not hold their values.`,
            ),
          ]),
      { kind: 'commands', lines: [`vectra-dr status ${file}`, ...lists, ...lags] },
      sentence(
        `Expected: the objectives as they stand, ${lags.length === 0 ? 'and every collection with its points' : 'every collection with its points, and every standby with its LAG'}. A data directory that is gone ends with exit code 14; one that is damaged with 13 and the name of the file; one that another process holds with 11 and the name of the process${targets.some(({ kind }) => kind === 'vectra-server') ? '; a server that does not answer with 12' : ''}.`,
      ),
      ...(others.length === 0
        ? []
        : [
            sentence(
              `Look at ${others.join(', ')} with their own means: this version does not reach them.`,
            ),
          ]),
      ...(plan.destinations.size === 0
        ? []
        : ([
            sentence(
              'What can come back: every snapshot with the instant that it is of. What was written after that is lost unless the archived log has it; tell people now, not afterwards.',
            ),
            { kind: 'commands', lines: reading('list') },
            sentence(
              'Whether it is whole: every byte is read back, which takes a while with much data. Expected: ok; damage ends with exit code 13 and names what it hits.',
            ),
            { kind: 'commands', lines: reading('verify') },
          ] satisfies Block[])),
    ],
  }
}

function drillSections(plan: Plan, found: Found): Section[] {
  const drills = [...plan.drills.values()]
  if (drills.length === 0) return []
  const file = path.basename(plan.file)
  return [
    {
      heading: 'Rehearse it',
      blocks: [
        sentence('A drill does it on purpose, measures it, and writes the evidence down.'),
        ...table(
          ['Drill', 'What it does', 'When', 'Proves'],
          drills.map((drill) => [
            drill.name,
            drill.description ?? none,
            rhythmText(drill),
            drill.proves.join(', ') || none,
          ]),
        ),
        {
          kind: 'commands',
          lines: drills.map(
            ({ name, confirm }) => `vectra-dr drill ${file} ${name}${confirm ? ' --yes' : ''}`,
          ),
        },
        ...(drills.some(({ confirm }) => confirm)
          ? [sentence('With --yes it does not ask before it touches production data.')]
          : []),
        {
          kind: 'list',
          items: drills.map((drill) => lastRunText(drill, found)),
          isMeasured: true,
        },
      ],
    },
  ]
}

const rhythmText = ({ rhythm }: Drill): string => {
  if (rhythm === undefined) return 'when somebody runs it'
  return rhythm.kind === 'cron'
    ? `${rhythm.line} (${rhythm.timezone})`
    : `every ${showDuration(rhythm.everyMs)}`
}

const afterSection = (plan: Plan): Section => {
  const file = path.basename(plan.file)
  return {
    heading: 'Afterwards',
    blocks: [
      sentence(
        'Say that it is over to everybody who was told. What came back begins a history of its own: back it up now. Then write down what was slow, what was wrong on this page, and who does what about it by when.',
      ),
      { kind: 'commands', lines: [`vectra-dr ledger verify ${file}`, `vectra-dr audit ${file}`] },
      sentence(
        'Expected: the chain of the ledger holds; the report says what was promised and what was measured, with exit code 3 where something is missed or unproven.',
      ),
    ],
  }
}

const originSection = (plan: Plan): Section => {
  const file = path.basename(plan.file)
  return {
    heading: 'Where this page comes from',
    blocks: [
      sentence(
        `From ${file} by vectra-dr runbook ${file}; change the plan and make it again. Times and results are those of the ledger at that moment, and vectra-dr runbook ${file} --check does not compare them.`,
      ),
    ],
  }
}

import { beforeAll, expect, test } from 'vitest'
import { afterActionOf, tellAfterAction } from '../../../planner/play/after-action.ts'
import { tellFacilitator, tellPlayers } from '../../../planner/play/pages.ts'
import { beginPlay } from '../../../planner/play/play.ts'
import type { PlaySetup } from '../../../planner/play/play-setup.ts'
import { playScript, readScript } from '../../../planner/play/script.ts'
import { readTyped } from '../../../planner/play/typed-act.ts'
import { toMarkdown } from '../../../planner/report/markdown.ts'
import { minutes, shopScript, shopSetup } from '../../support/played-exercise.ts'

let setup: PlaySetup
beforeAll(async () => {
  setup = await shopSetup()
})

const read = (text: string) => readScript('script.yaml', Buffer.from(text))

async function playedScript(text = shopScript) {
  const script = await read(text)
  if (Array.isArray(script)) throw new Error(script[0]?.message)
  const played = playScript(beginPlay(setup), script)
  if ('message' in played) throw new Error(`${played.line}: ${played.message}`)
  return played.play
}

const reportOf = async () =>
  afterActionOf({
    ...{ exercise: 'e-1', play: await playedScript() },
    sittings: [{ startedAt: Date.UTC(2026, 10, 27, 9), untilMs: minutes(65), isScripted: true }],
  })

test('the same script gives the same bytes', async () => {
  const [one, other] = [await reportOf(), await reportOf()]
  expect(JSON.stringify(one)).toBe(JSON.stringify(other))
  expect(toMarkdown(tellAfterAction(one))).toBe(toMarkdown(tellAfterAction(other)))
})

test('the after-action report has the sections of an exercise guide, and what went wrong in them', async () => {
  const report = await reportOf()
  expect(tellAfterAction(report).sections.map(({ heading }) => heading)).toEqual([
    ...['Scope', 'Objectives', 'Participants', 'Timeline', 'Observations', 'Strengths'],
    ...['Areas to improve', 'Corrective actions'],
  ])
  expect(report.objectives.map(({ isMet }) => isMet)).toEqual([true, false, false, false, false])
  expect(report.participants).toEqual([
    { contact: 'engineer-2', role: 'engineer' },
    { contact: 'lead-1', role: 'lead' },
  ])
  const bad = report.areasToImprove.join('\n')
  expect(bad).toContain('engineer-1 (engineer) does not answer')
  expect(bad).toContain('lead-1 (lead) answers after 9 min, late')
  expect(bad).toContain('procedure start-nearby')
  expect(bad).toContain('step restore; approve comes first')
  expect(report.correctiveActions).toEqual([
    {
      ...{ id: 'action/e-1/1', text: 'Print the runbook.', owner: 'engineer' },
      ...{ dueOn: '2026-12-31', provedBy: { kind: 'procedure', name: 'start-elsewhere' } },
    },
  ])
  expect(toMarkdown(tellAfterAction(report))).not.toMatch(/\+41|Second on call/)
})

test('the players’ page gives nothing away that the facilitator’s has', () => {
  const players = toMarkdown(tellPlayers(setup))
  const facilitator = toMarkdown(tellFacilitator(setup))
  const secrets = [
    ...setup.scenario.injects.flatMap(({ say }) => say ?? []),
    ...[setup.scenario.name, 'start-elsewhere', 'eu-central', 'vault', 'restore'],
  ]
  expect(secrets.length).toBeGreaterThan(6)
  for (const secret of secrets) {
    expect(facilitator).toContain(secret)
    expect(players).not.toContain(secret)
  }
})

test.each([
  ['acts: [{ at: 6x, end: true }]', 3, '"6x" is not a duration'],
  ['acts: [{ at: 6m, answer: a, call: b }, { at: 7m, end: true }]', 3, 'one thing, not 2'],
  ['acts: [{ at: 6m, answer: a, who: b }, { at: 7m, end: true }]', 3, 'unknown key "who"'],
  [
    'acts: [{ at: 6m, decide: declare }, { at: 7m, end: true }]',
    3,
    '"decide" needs "by" beside it',
  ],
  ['acts:\n  - { at: 6m, hint: true }\n  - { at: 5m, end: true }', 5, 'before the act above'],
  ['acts: [{ at: 6m, hint: true }]', 3, 'does not say how it ends'],
  ['acts: [{ at: 6m, end: 1 }]', 3, '1 is not true'],
  ['acts: []', 3, 'there is nothing in it'],
  ['acts: [{ at: 9d, end: true }]', 3, 'at most 7d'],
  ['startedAt: 2026-11-27T09:00:00\nacts: [{ at: 1m, end: true }]', 3, 'without an offset'],
  ['speed: 2\nacts: [{ at: 1m, end: true }]', 3, 'unknown key "speed"'],
  ['acts: [', 3, ''],
])('what is wrong with %j is said with its line', async (rest, line, message) => {
  const errors = await read(`version: 1\nscenario: s\n${rest}\n`)
  expect(Array.isArray(errors) && errors[0]).toMatchObject({
    line: rest === 'acts: [' ? expect.any(Number) : line,
    message: expect.stringContaining(message),
  })
})

test.each([
  ['scenario: region-loss-nobody-answers', 'scenario: region-los', 2, 'no scenario region-los'],
  ['answer: engineer-2', 'answer: enginer-2', 5, 'Did you mean "engineer-2"?'],
  ['call: lead-1', 'call: somebody', 10, 'There are: engineer-1, '],
  ['owner: engineer', 'owner: enginer', 17, 'Did you mean "engineer"?'],
  ['start-elsewhere }', 'start-elsewere }', 17, 'Did you mean "start-elsewhere"?'],
])(
  'a name of the script that is none of the plan is told: %j as %j',
  async (from, to, line, said) => {
    const text = shopScript.replace(from, to)
    expect(text).not.toBe(shopScript)
    const errors = await readScript('script.yaml', Buffer.from(text), setup.plan)
    if (!Array.isArray(errors)) throw new Error('it was read')
    expect(errors).toHaveLength(1)
    expect(errors[0]).toMatchObject({ rule: 'unknown-name', line })
    expect(`${errors[0]?.message} ${errors[0]?.hint}`).toContain(said)
  },
)

test('every mistake is told at once, in the order of the file', async () => {
  const errors = await read(
    'version: 2\nscenario: s\nacts:\n  - { at: 1, anwser: a }\n  - { at: 2m, end: no }\n',
  )
  if (!Array.isArray(errors)) throw new Error('it was read')
  expect(errors.map(({ line, message, hint }) => `${line} ${message} ${hint}`)).toEqual([
    expect.stringContaining('1 2 is not 1'),
    expect.stringContaining('4 1 is not a duration'),
    '4 unknown key "anwser" Did you mean "answer"?',
    expect.stringContaining('5 "no" is not true'),
  ])
})

test('an act that does not fit the exercise is named with its line', async () => {
  const wrong = shopScript.replace('{ at: 6m, answer: engineer-2 }', '{ at: 6m, answer: lead-1 }')
  await expect(playedScript(wrong)).rejects.toThrow(/^5: .*nobody has called lead-1/)
  const nobody = shopScript.replace('owner: engineer', 'owner: janitor')
  await expect(playedScript(nobody)).rejects.toThrow(/^17: .*janitor is nobody of the plan/)
  const noDrill = shopScript.replace('provedBy: procedure start-', 'provedBy: drill start-')
  await expect(playedScript(noDrill)).rejects.toThrow(/^17: .*no drill start-elsewhere/)
})

test('what is typed is an act, or is answered with how to type it', () => {
  expect(readTyped('')).toEqual({ do: 'next' })
  expect(readTyped(' decide a procedure x ')).toEqual({
    ...{ do: 'decide', contact: 'a', what: 'procedure x' },
  })
  expect(readTyped('action lead 2026-12-31 drill:d Print it.')).toEqual({
    ...{ do: 'action', owner: 'lead', dueOn: '2026-12-31', text: 'Print it.' },
    provedBy: { kind: 'drill', name: 'd' },
  })
  expect(readTyped('action lead 2026-02-31 drill:d Print it.')).toContain('does not exist')
  expect(readTyped('action lead 2026-12-31 d Print it.')).toContain('provedBy names a run')
  expect(readTyped('reply one two')).toContain('number of the question')
  expect(readTyped('shout')).toBe('There is no shout; help shows what there is.')
  expect(readTyped('anwser lead-1')).toContain('Did you mean answer?')
})

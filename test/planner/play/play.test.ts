import fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import { eventText } from '../../../planner/play/event-text.ts'
import { decodeKept, encodeKept } from '../../../planner/play/kept-play.ts'
import { act, advance, beginPlay, nextAtMs, type Play } from '../../../planner/play/play.ts'
import type { PlayAct, PlayEvent } from '../../../planner/play/play-event.ts'
import type { PlaySetup } from '../../../planner/play/play-setup.ts'
import { stateOf } from '../../../planner/play/play-state.ts'
import { minutes, shopSetup } from '../../support/played-exercise.ts'

let setup: PlaySetup
beforeAll(async () => {
  setup = await shopSetup()
})

type Timed = readonly [atMs: number, what: PlayAct]

/** @throws for an act that does not fit */
function played(acts: readonly Timed[], from = beginPlay(setup)): Play {
  return acts.reduce((play, [atMs, what]) => {
    const next = act(advance(play, atMs), what)
    if (typeof next === 'string') throw new Error(next)
    return next
  }, from)
}

const kinds = ({ events }: Play, kind: PlayEvent['kind']) =>
  events.filter((event) => event.kind === kind)

const decide = (contact: string, what: string): PlayAct => ({ do: 'decide', contact, what })
const answer = (contact: string): PlayAct => ({ do: 'answer', contact })

const answered: Timed = [minutes(6), answer('engineer-2')]
const chosen: readonly Timed[] = [
  answered,
  [minutes(7), decide('engineer-2', 'declare')],
  [minutes(8), decide('engineer-2', 'procedure start-elsewhere')],
]
const approved: readonly Timed[] = [...chosen, [minutes(9), decide('engineer-2', 'approve')]]

describe('the clock', () => {
  test('tells injects at their times, calls the first, and the deputy when nobody answers', () => {
    const play = advance(beginPlay(setup), minutes(5))
    expect(play.events.map(({ kind, atMs }) => [kind, atMs])).toEqual([
      ['inject', 0],
      ['escalated', 0],
      ['called', 0],
      ['inject', minutes(1)],
      ['unanswered', minutes(5)],
      ['called', minutes(5)],
    ])
    expect(kinds(play, 'called').at(-1)).toMatchObject({
      contact: 'engineer-2',
      because: 'deputy',
    })
  })

  test('tells when what was away answers again, so that nobody waits for nothing', async () => {
    const flaps = await shopSetup('node-loss-network-flaps')
    let play = beginPlay(flaps)
    for (let next = nextAtMs(play); next !== undefined; next = nextAtMs(play)) {
      play = advance(play, next)
    }
    expect(kinds(play, 'returned')).toEqual([
      { atMs: minutes(14), kind: 'returned', what: 'destination', name: 'vault' },
      { atMs: minutes(38), kind: 'returned', what: 'destination', name: 'near' },
    ])
    expect(eventText(flaps, kinds(play, 'returned')[0] ?? { atMs: 0, kind: 'ended' })).toBe(
      'destination vault answers again',
    )
  })

  test('escalates once nobody has answered for so long, and no more after an answer', () => {
    const silent = advance(beginPlay(setup), minutes(40))
    expect(kinds(silent, 'escalated').at(-1)).toMatchObject({ atMs: minutes(20), role: 'lead' })
    expect(kinds(silent, 'called').at(-1)).toMatchObject({
      contact: 'lead-1',
      because: 'escalation',
    })
    const heard = advance(played([answered]), minutes(40))
    expect(kinds(heard, 'escalated')).toHaveLength(1)
  })

  test('never runs backwards', () => {
    expect(() => advance(played([answered]), minutes(5))).toThrow('went back')
  })

  test('brings everything that is due on the way to a later moment, in order', () => {
    let step = beginPlay(setup)
    for (let due = nextAtMs(step); due !== undefined; due = nextAtMs(step))
      step = advance(step, due)
    expect(advance(beginPlay(setup), step.nowMs).events).toEqual(step.events)
  })
})

describe('people', () => {
  test('whom the story takes away cannot answer; who was not called neither; nobody answers twice', () => {
    const play = advance(beginPlay(setup), minutes(5))
    expect(act(play, answer('engineer-1'))).toContain('taken engineer-1 away')
    expect(act(play, answer('lead-1'))).toContain('nobody has called')
    expect(act(play, answer('lead-9'))).toContain('no contact lead-9')
    expect(act(played([answered]), answer('engineer-2'))).toContain('already')
  })

  test('an answer after the next one was called is late, and still one', () => {
    const play = played([
      ...chosen,
      [minutes(9), { do: 'call', contact: 'lead-1' }],
      [minutes(20), answer('lead-1')],
    ])
    expect(play.events.at(-1)).toMatchObject({ isLate: true, waitedMs: minutes(11), role: 'lead' })
    expect(kinds(played([answered]), 'answered')[0]).toMatchObject({ isLate: false })
  })

  test('who has not answered decides nothing', () => {
    expect(act(beginPlay(setup), decide('lead-1', 'declare'))).toContain('has not answered')
  })
})

describe('a decision', () => {
  const last = (acts: readonly Timed[]) => played(acts).events.at(-1)

  test('for another procedure is recorded as a wrong turn with what it would have led to', () => {
    const play = played([answered, [minutes(8), decide('engineer-2', 'procedure start-nearby')]])
    expect(play.events.at(-1)).toMatchObject({
      isCalledFor: false,
      consequence: expect.stringContaining('target spare is lost with region eu-central'),
    })
    // and the exercise goes on
    expect(act(play, decide('engineer-2', 'procedure start-elsewhere'))).not.toBeTypeOf('string')
  })

  test('for a step that is not next, or by whom it does not ask, changes nothing', () => {
    expect(last([...chosen, [minutes(9), decide('engineer-2', 'restore')]])).toMatchObject({
      isCalledFor: false,
      consequence: expect.stringContaining('approve comes first'),
    })
    const lead: readonly Timed[] = [
      ...approved,
      [minutes(9), { do: 'call', contact: 'lead-1' }],
      [minutes(10), answer('lead-1')],
      [minutes(10), decide('engineer-2', 'restore')],
      [minutes(40), decide('engineer-2', 'check')],
      [minutes(41), decide('lead-1', 'manual')],
    ]
    expect(last(lead)).toMatchObject({
      isCalledFor: false,
      consequence: expect.stringContaining('which lead-1 does not hold'),
    })
    expect(stateOf(played(lead).events).begun.has('manual')).toBe(false)
  })

  test('before a procedure is chosen, in other words, and for what is done already', () => {
    expect(last([answered, [minutes(7), decide('engineer-2', 'restore')]])).toMatchObject({
      consequence: expect.stringContaining('no procedure is chosen'),
    })
    expect(
      last([answered, [minutes(7), decide('engineer-2', 'restart everything')]]),
    ).toMatchObject({
      decision: { kind: 'other' },
      isCalledFor: false,
    })
    expect(last([...approved, [minutes(9), decide('engineer-2', 'approve')]])).toMatchObject({
      consequence: 'it is done already',
    })
    expect(last([...chosen, [minutes(9), decide('engineer-2', 'declare')]])).toMatchObject({
      isCalledFor: false,
    })
  })

  test('for a restore waits while no copy can be read, and takes what the plan says', () => {
    // the vault does not answer from 20m to 30m; a restore is likely to take 12m
    expect(last([...approved, [minutes(22), decide('engineer-2', 'restore')]])).toMatchObject({
      endsAtMs: minutes(42),
    })
    expect(last([...approved, [minutes(10), decide('engineer-2', 'restore')]])).toMatchObject({
      endsAtMs: minutes(22),
    })
  })

  test('for every step in turn brings the service back', () => {
    const play = played([
      ...approved,
      [minutes(10), decide('engineer-2', 'restore')],
      [minutes(23), decide('engineer-2', 'check')],
      [minutes(24), decide('engineer-2', 'manual')],
    ])
    expect(stateOf(play.events).servedAtMs).toBeUndefined()
    expect(stateOf(advance(play, minutes(34)).events).servedAtMs).toBe(minutes(34))
  })

  test('and everything else ends with the exercise', () => {
    expect(act(played([[minutes(1), { do: 'end' }]]), { do: 'hint' })).toContain('over')
  })
})

test('names and numbers of people are taken out of what is said', () => {
  const text = 'Call Whoever may give up a region under +41 00 000 00 03.'
  expect(played([[0, { do: 'note', text }]]).events.at(-1)).toMatchObject({
    text: 'Call [lead-1] under [lead-1].',
  })
})

const anyAct: fc.Arbitrary<PlayAct> = fc.oneof(
  fc
    .constantFrom('engineer-1', 'engineer-2', 'lead-1')
    .chain((contact) =>
      fc.constantFrom<PlayAct>(
        { do: 'call', contact },
        answer(contact),
        ...['declare', 'procedure start-nearby', 'procedure start-elsewhere', 'approve'].map(
          (what) => decide(contact, what),
        ),
        ...['restore', 'check', 'manual', 'wait'].map((what) => decide(contact, what)),
      ),
    ),
  fc.constantFrom<PlayAct>({ do: 'hint' }, { do: 'note', text: 'so' }),
)
const anyPlay = fc.array(fc.tuple(fc.nat({ max: minutes(6) }), anyAct), { maxLength: 30 })

/** Acts that do not fit are passed over. */
const followed = (gaps: readonly Timed[], between = (play: Play) => play): Play =>
  gaps.reduce((play, [gapMs, what]) => {
    const later = advance(between(play), play.nowMs + gapMs)
    const next = act(later, what)
    return typeof next === 'string' ? later : next
  }, beginPlay(setup))

test('whatever people do, times never run backwards and none lies beyond the clock', () => {
  fc.assert(
    fc.property(anyPlay, (gaps) => {
      const { events, nowMs } = followed(gaps)
      const times = events.map(({ atMs }) => atMs)
      expect(times).toEqual([...times].sort((a, b) => a - b))
      expect(times.at(-1) ?? 0).toBeLessThanOrEqual(nowMs)
    }),
    { numRuns: 60 },
  )
})

test('paused, kept and taken up again between any two acts, it is the exercise that was never paused', () => {
  const throughDisk = (play: Play): Play => {
    const text = encodeKept({
      exercise: 'e',
      play,
      sittings: [{ startedAt: 0, untilMs: 0, isScripted: false }],
    })
    return decodeKept('kept.json', text, setup).play
  }
  fc.assert(
    fc.property(anyPlay, (gaps) => {
      expect(followed(gaps, throughDisk).events).toEqual(followed(gaps).events)
    }),
    { numRuns: 40 },
  )
})

test('a kept exercise that is cut, changed, or of another plan is refused', () => {
  const text = encodeKept({
    ...{
      exercise: 'e',
      play: played([answered]),
      sittings: [{ startedAt: 0, untilMs: 0, isScripted: false }],
    },
  })
  const decode = (from: string) => () => decodeKept('kept.json', from, setup)
  expect(decode(text)).not.toThrow()
  expect(decode(text.slice(0, -20))).toThrow('holds no exercise')
  expect(decode(text.replace('"nowMs": 360000', '"nowMs": 60000'))).toThrow('no whole exercise')
  // one that says what no event says is no bug of whoever reads it
  expect(decode(text.replace('"kind": "called"', '"kind": "callee"'))).toThrow('no whole exercise')
  const [plan, scenario] = [
    { ...setup.plan, sha256: '0'.repeat(64) },
    { ...setup.scenario, name: 'another' },
  ]
  const under = (other: Partial<PlaySetup>) => () =>
    decodeKept('kept.json', text, { ...setup, ...other })
  expect(under({ plan })).toThrow('plan has changed')
  expect(under({ scenario })).toThrow(`is an exercise of scenario ${setup.scenario.name}`)
  expect(decode(text.replace('"play": 1', '"play": 2'))).toThrow('version 2')
})

test('in every story of the shop somebody who does what the procedure says brings the service back', async () => {
  const { plan } = setup
  expect(plan.scenarios.size).toBeGreaterThan(8)
  for (const name of plan.scenarios.keys()) {
    const own = await shopSetup(name)
    // by then the escalation has called everybody
    const late = advance(beginPlay(own), minutes(120))
    const choice = decide('engineer-2', `procedure ${own.procedure.name}`)
    let play = played(
      [
        [minutes(120), answer('engineer-2')],
        [minutes(121), choice],
      ],
      late,
    )
    for (const { id, takesMs } of own.steps.get(own.procedure.name) ?? []) {
      play = played([[play.nowMs, decide('engineer-2', id)]], play)
      play = advance(play, play.nowMs + takesMs)
    }
    expect([name, kinds(play, 'served')]).toEqual([name, [expect.anything()]])
  }
})

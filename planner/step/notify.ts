/**
 * `notify`: sends a message through a channel.
 *
 * A webhook gets `{"text": message}` by POST, which is what chat systems take. A program gets the
 * message in the environment, as `VECTRA_MESSAGE`, never as an argument: nothing in it can be taken
 * for a flag. Secrets are masked in it, because a message is for people to read.
 *
 * One that cannot be sent fails as a step and is recorded. It never hides what it was to tell: the run
 * ends with the error that came first, and under `always` the rest of the clean-up goes on.
 */
import { fail, OperatingError } from '../../engine/index.ts'
import { sendRequest } from '../../engine/outside.ts'
import type { Plan } from '../plan/plan.ts'
import type { NotifyInput } from '../plan/step-inputs.ts'
import { toWebAddress } from '../web/web-address.ts'
import { estimateFrom } from './estimate.ts'
import { runCommand } from './exec.ts'
import { isExpected } from './http.ts'
import { toIso } from './observation.ts'
import { showDuration } from './quantity.ts'
import type { StepContext, StepFaces, StepResult } from './step.ts'

/** Longer messages are cut: an error may quote a whole log. */
const messageChars = 4_000
/** A program that sends a message may take so long. */
const programMs = 30_000

export const notify: StepFaces<'notify'> = {
  kind: 'notify',
  run,
  examine: async () => ({ state: 'repeat', found: 'telling twice is better than not at all' }),
  describe: ({ channel, message }, plan) => ({
    sentence: `Tell ${channel}: ${message.text}`,
    expected: 'the message is where people read it',
    commands: channelCommands(channel, message.text, plan),
  }),
  estimate: (_, id, history) => estimateFrom(history, { id, kind: 'notify' }, 1_000),
  touches: ({ channel }) => [{ access: 'writes', what: 'channel', name: channel }],
  needs: () => [],
}

async function run({ channel: name, message }: NotifyInput, context: StepContext) {
  const channel = context.plan.people.channels.get(name)
  if (channel === undefined) {
    return fail('name-not-found', `the plan has no channel ${name}`, 'Add it under channels:.')
  }
  const text = context.redact(context.text(message)).slice(0, messageChars)
  const done = (error?: OperatingError): StepResult => ({
    outputs: { channel: name, sentAt: error ? null : toIso(context.clock.nowMs()) },
    ...(error && { error }),
  })
  if (channel.kind === 'exec') {
    const { error } = await withLimit(name, context, (limited) =>
      runCommand(
        {
          command: channel.command,
          workingDirectory: context.plan.directory,
          variables: new Map([
            ['VECTRA_MESSAGE', text],
            ['VECTRA_CHANNEL', name],
            ['VECTRA_PLAN', context.plan.name],
          ]),
        },
        limited,
      ),
    )
    return done(error)
  }
  const answer = await sendRequest(
    {
      address: toWebAddress(channel.url, context.text(channel.url), channel.allowPrivate),
      method: 'POST',
      headers: new Map([['content-type', 'application/json; charset=utf-8']]),
      body: JSON.stringify({ text }),
    },
    context,
  )
  if (isExpected(answer, {})) return done()
  return done(
    new OperatingError(
      'unexpected-answer',
      `channel ${name} answered ${answer.status}: the message was not taken`,
      'See whether the webhook still exists and takes {"text": …} by POST.',
    ),
  )
}

/** What a person types to send `message`, with its variables as they are written. */
export function channelCommands(name: string, message: string, plan: Plan): string[][] {
  const channel = plan.people.channels.get(name)
  if (channel === undefined) return []
  if (channel.kind === 'exec') {
    const words = channel.command.map(({ text }) => text)
    const variables = { MESSAGE: message, CHANNEL: name, PLAN: plan.name }
    return [
      ['env', ...Object.entries(variables).map(([key, text]) => `VECTRA_${key}=${text}`), ...words],
    ]
  }
  const words = ['curl', '--fail-with-body', '--header', 'content-type: application/json']
  return [[...words, '--data', JSON.stringify({ text: message }), channel.url.text]]
}

/** A notification must not hold up what comes after it. */
async function withLimit<T>(
  name: string,
  context: StepContext,
  act: (limited: StepContext) => Promise<T>,
): Promise<T> {
  const late = new AbortController()
  const cancel = context.timer.after(programMs, () =>
    late.abort(
      new OperatingError(
        'command-failed',
        `the program of channel ${name} did not end within ${showDuration(programMs)}`,
        'Run it by hand to see what it waits for.',
      ),
    ),
  )
  try {
    return await act({ ...context, signal: AbortSignal.any([context.signal, late.signal]) })
  } finally {
    cancel()
  }
}

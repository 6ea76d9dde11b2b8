import { expect, it } from 'vitest'
import { type ErrorCode, errorCatalogue, OperatingError } from '../../../engine/base/errors.ts'
import { statusOf, toErrorAnswer } from '../../../engine/server/error-answer.ts'

it('gives every operating error a status of its kind', () => {
  const codes = Object.keys(errorCatalogue) as ErrorCode[] // its keys are the codes
  expect(codes.map(statusOf).every((status) => status >= 400 && status < 600)).toBe(true)
  expect(
    (['usage', 'collection-not-found', 'collection-exists', 'locked', 'damaged'] as const).map(
      statusOf,
    ),
  ).toEqual([400, 404, 409, 409, 500])
  expect(
    (['credential-refused', 'key-refused', 'disk-full', 'unreachable', 'terminated'] as const).map(
      statusOf,
    ),
  ).toEqual([401, 403, 507, 503, 503])
})

it('tells the error in words, and whole for whoever makes it again', () => {
  const error = new OperatingError('usage', 'what happened', 'What to do.', { place: { lsn: 7 } })
  expect(toErrorAnswer(error, 0.5)).toEqual({
    status: 400,
    body: {
      status: { error: 'what happened. What to do.' },
      time: 0.5,
      vectra: {
        code: 'usage',
        message: 'what happened',
        hint: 'What to do.',
        exitCode: 2,
        place: { lsn: 7 },
      },
    },
  })
})

it('keeps what a bug says from the client', () => {
  const { status, body } = toErrorAnswer(new TypeError('secret is undefined'), 0)
  expect(status).toBe(500)
  expect(JSON.stringify(body)).not.toContain('secret')
})

import { describe, expect, test } from 'vitest'
import {
  errorCatalogue,
  exitCodes,
  fail,
  fromSerialised,
  isOperatingError,
  OperatingError,
} from '../../../engine/base/errors.ts'

const thrown = (work: () => never): unknown => {
  try {
    return work()
  } catch (error) {
    return error
  }
}

describe('operating errors', () => {
  test('fail throws the error with its code, hint, place, cause and exit code', () => {
    const cause = new Error('EIO')
    const place = { file: '/data/a', offset: 7, lsn: 3 }
    const error = thrown(() =>
      fail('damaged', 'a is damaged', 'Restore it.', { place, cause, details: [1] }),
    )
    expect(error).toBeInstanceOf(OperatingError)
    expect(error).toMatchObject({
      name: 'OperatingError',
      code: 'damaged',
      message: 'a is damaged',
      hint: 'Restore it.',
      place,
      cause,
      details: [1],
      exitCode: 13,
    })
  })

  test('the record says what is known and nothing else', () => {
    expect(new OperatingError('locked', 'busy', 'Wait.').toJSON()).toEqual({
      code: 'locked',
      message: 'busy',
      hint: 'Wait.',
      exitCode: 11,
    })
  })

  test('an error that crossed a boundary as JSON is the same error', () => {
    const error = new OperatingError('plan-invalid', 'two errors', 'Fix them.', {
      place: { file: 'plan.yaml', line: 3, column: 5 },
      details: [{ path: '/a' }, { path: '/b' }],
    })
    // the record of toJSON, as JSON carries it
    const revived = fromSerialised(JSON.parse(JSON.stringify(error)) as typeof error)
    expect(revived).toBeInstanceOf(OperatingError)
    expect(revived.toJSON()).toEqual(error.toJSON())
  })

  test('isOperatingError tells codes apart and bugs from errors', () => {
    const error = new OperatingError('locked', 'busy', 'Wait.')
    expect(isOperatingError(error)).toBe(true)
    expect(isOperatingError(error, 'damaged', 'locked')).toBe(true)
    expect(isOperatingError(error, 'damaged')).toBe(false)
    expect(isOperatingError(new Error('bug'))).toBe(false)
    expect(isOperatingError({ name: 'OperatingError', code: 'locked' }, 'locked')).toBe(false)
  })

  test('no code exits as done or as a bug', () => {
    for (const exitCode of Object.values(errorCatalogue)) {
      expect(exitCode).not.toBe(exitCodes.done)
      expect(exitCode).not.toBe(exitCodes.bug)
    }
  })

  test('exit codes are the documented ones', () => {
    expect(exitCodes).toMatchObject({
      done: 0,
      bug: 1,
      usage: 2,
      objectiveMissed: 3,
      planInvalid: 10,
      locked: 11,
      unreachable: 12,
      damaged: 13,
      notFound: 14,
      stepFailed: 15,
      undoFailed: 16,
      refused: 17,
      interrupted: 130,
      terminated: 143,
    })
  })
})

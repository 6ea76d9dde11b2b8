import { expect, test } from 'vitest'
import { findingsOf } from '../../support/sound-plan.ts'

test('a sound plan has no findings', async () => {
  expect(await findingsOf()).toEqual([])
})

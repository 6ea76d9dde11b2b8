import { expect, test } from 'vitest'
import { makeConfig } from '../../../engine/format/config.ts'
import { parseConfigText, toConfigText } from '../../../engine/format/config-text.ts'

test.each([
  { index: 'flat' },
  { index: 'hnsw', m: 7, efConstruction: 33, ef: 44 },
  { index: 'ivf', lists: 12, nprobe: 3 },
  { index: 'flat', metric: 'ip', durability: 'interval', intervalMs: 250 },
])('the text of %j is read back as the same config', (input) => {
  const config = makeConfig({ dimension: 3, ...input })
  expect(parseConfigText(toConfigText(config), 'x.json')).toEqual(config)
})

test('what is left out has its default', () => {
  expect(parseConfigText('{"dimension":3,"index":{"kind":"ivf"}}', 'x.json')).toEqual(
    makeConfig({ dimension: 3, index: 'ivf' }),
  )
})

test.each([
  ['nothing', '', /not a JSON object/],
  ['a list', '[]', /not a JSON object/],
  ['no dimension', '{}', /no number for dimension/],
  ['an unknown key', '{"dimension":3,"lists":4}', /has lists, which no config has/],
  ['an unknown key of the index', '{"dimension":3,"index":{"n":4}}', /has index\.n, which/],
  ['a prototype key', '{"dimension":3,"index":{"__proto__":4}}', /which no config has/],
  ['text for a number', '{"dimension":3,"index":{"m":"4"}}', /index\.m that is not a number/],
  ['a number for text', '{"dimension":3,"metric":4}', /metric that is not text/],
  ['an index that is text', '{"dimension":3,"index":"ivf"}', /index that is not an object/],
  ['a value out of bounds', '{"dimension":3,"index":{"kind":"ivf","lists":0}}', /lists is 0/],
  ['a parameter of another kind', '{"dimension":3,"index":{"kind":"ivf","m":4}}', /no meaning/],
])('%s is refused', (_, text, message) => {
  expect(() => parseConfigText(text, 'x.json')).toThrow(
    expect.objectContaining({
      code: 'invalid-config',
      message: expect.stringMatching(message),
    }),
  )
})

import { describe, expect, it } from 'vitest'
import { readJsonl } from '../../../engine/transfer/jsonl-reader.ts'
import { bytesSource, collect } from './bytes.ts'

const read = (...lines: string[]) =>
  collect(readJsonl(bytesSource('points.jsonl', [Buffer.from(lines.join('\n'))])))

describe('readJsonl', () => {
  it('reads id, vector and metadata, and tells numbers from text', async () => {
    const points = await read(
      '{"id":7,"vector":[1,2.5]}',
      '{"id":"7","vector":[1e-3,0],"metadata":{"a":[1,null]}}',
    )
    expect(points).toMatchObject([
      { id: 7, vector: [1, 2.5], metadata: undefined, place: { line: 1 } },
      { id: '7', vector: [0.001, 0], metadata: { a: [1, null] }, place: { line: 2 } },
    ])
  })

  const refused: [what: string, line: string, message: RegExp, hint: RegExp][] = [
    ['text that is not JSON', '{"id":1,', /line 2: the line is not JSON/, /one whole JSON object/],
    ['NaN', '{"id":1,"vector":[NaN]}', /line 2: the line is not JSON/, /JSON has no NaN/],
    ['a list around the points', '[{"id":1}]', /not a JSON object/, /without a list/],
    ['a bare number', '12', /not a JSON object/, /./],
    [
      'a strange key',
      '{"id":1,"vector":[1],"text":"x"}',
      /"text" is not a key/,
      /inside "metadata"/,
    ],
    ['a missing id', '{"vector":[1]}', /has no "id"/, /./],
    ['a missing vector', '{"id":1}', /has no "vector"/, /./],
    ['a vector that is text', '{"id":1,"vector":"[1]"}', /not a list of numbers/, /./],
    ['an empty vector', '{"id":1,"vector":[]}', /not a list of numbers/, /./],
    ['null metadata', '{"id":1,"vector":[1],"metadata":null}', /metadata is null/, /./],
  ]
  it.each(refused)('refuses %s and names the line', async (_, line, message, hint) => {
    const failure = read('{"id":0,"vector":[1]}', line)
    await expect(failure).rejects.toMatchObject({
      code: 'invalid-input-file',
      message: expect.stringMatching(message),
      hint: expect.stringMatching(hint),
      place: { file: 'points.jsonl', line: 2 },
    })
  })
})

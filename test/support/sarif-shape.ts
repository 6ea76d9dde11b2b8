/**
 * What of the published SARIF 2.1.0 schema (OASIS, errata 01) a log of ours touches, written as JSON Schema: required
 * members, types, bounds and words. Members that the schema does not know are refused, as there.
 */
import { Ajv2020 } from 'ajv/dist/2020.js'

const text = { type: 'string' }
const message = {
  type: 'object',
  additionalProperties: false,
  required: ['text'],
  properties: { text, markdown: text, id: text, arguments: { type: 'array', items: text } },
}
const level = { enum: ['none', 'note', 'warning', 'error'] }
const closed = (required: readonly string[], properties: object): object => ({
  type: 'object',
  additionalProperties: false,
  required,
  properties,
})
const list = (items: object): object => ({ type: 'array', minItems: 0, items })

const rule = closed(['id'], {
  id: text,
  name: text,
  shortDescription: message,
  fullDescription: message,
  help: message,
  helpUri: { type: 'string', format: 'uri' },
  defaultConfiguration: closed([], {
    enabled: { type: 'boolean' },
    level,
    rank: { type: 'number' },
  }),
})

const location = closed([], {
  physicalLocation: {
    ...closed([], {
      artifactLocation: closed([], {
        // a URI reference: no backslash, no blank, no colon in the first piece of a relative one
        uri: {
          type: 'string',
          pattern: '^(?:[a-z][a-z0-9+.-]*:[^\\s\\\\]+|[^\\s:/\\\\][^\\s\\\\]*)$',
        },
        uriBaseId: text,
      }),
      region: closed([], {
        startLine: { type: 'integer', minimum: 1 },
        startColumn: { type: 'integer', minimum: 1 },
        endLine: { type: 'integer', minimum: 1 },
        endColumn: { type: 'integer', minimum: 1 },
      }),
    }),
    anyOf: [{ required: ['address'] }, { required: ['artifactLocation'] }],
  },
})

const result = closed(['message'], {
  ruleId: text,
  ruleIndex: { type: 'integer', minimum: -1 },
  level,
  kind: { enum: ['notApplicable', 'pass', 'fail', 'review', 'open', 'informational'] },
  message,
  locations: list(location),
  partialFingerprints: { type: 'object', additionalProperties: text },
})

const schema = closed(['version', 'runs'], {
  $schema: { type: 'string', format: 'uri' },
  version: { enum: ['2.1.0'] },
  runs: list(
    closed(['tool'], {
      tool: closed(['driver'], {
        driver: closed(['name'], {
          name: text,
          version: text,
          semanticVersion: { type: 'string', pattern: '^\\d+\\.\\d+\\.\\d+' },
          informationUri: { type: 'string', format: 'uri' },
          rules: { ...list(rule), uniqueItems: true },
        }),
      }),
      columnKind: { enum: ['utf16CodeUnits', 'unicodeCodePoints'] },
      invocations: list(
        closed(['executionSuccessful'], {
          executionSuccessful: { type: 'boolean' },
          exitCode: { type: 'integer' },
        }),
      ),
      results: list(result),
    }),
  ),
})

/** What is wrong with a log, a line each; results that name another rule than their index are too. */
export function sarifProblems(log: unknown): string[] {
  const ajv = new Ajv2020({ allErrors: true, validateFormats: false })
  const validate = ajv.compile(schema)
  return validate(log)
    ? []
    : (validate.errors ?? []).map(({ instancePath, message: what }) => `${instancePath} ${what}`)
}

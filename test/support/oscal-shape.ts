/**
 * What OSCAL 1.1 asks of assessment results in JSON, written down from its published schema and reference as far as
 * our reports use it: required members, no others, patterns of identifiers, instants and tokens.
 * https://pages.nist.gov/OSCAL/reference/latest/assessment-results/json-reference/
 */
import { Ajv2020 } from 'ajv/dist/2020.js'

const uuid = {
  type: 'string',
  pattern:
    '^[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[45][0-9A-Fa-f]{3}-[89ABab][0-9A-Fa-f]{3}-[0-9A-Fa-f]{12}$',
}
const text = { type: 'string', minLength: 1 }
const line = { type: 'string', pattern: '^\\S(.*\\S)?$' }
const token = { type: 'string', pattern: '^(\\p{L}|_)(\\p{L}|\\p{N}|[.\\-_])*$' }
const instant = {
  type: 'string',
  pattern: '^\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}:\\d{2}(\\.\\d+)?(Z|[+-]\\d{2}:\\d{2})$',
}
const reference = { type: 'string', pattern: '^[^\\s<>"{}|\\\\^`]+$' }

const list = (items: object) => ({ type: 'array', minItems: 1, items })

/** An object with these members and no others; `?` after a name: it may be missing. */
const object = (members: Readonly<Record<string, object>>) => ({
  type: 'object',
  additionalProperties: false,
  required: Object.keys(members).filter((name) => !name.endsWith('?')),
  properties: Object.fromEntries(
    Object.entries(members).map(([name, schema]) => [name.replace(/\?$/, ''), schema]),
  ),
})

const property = object({ name: token, value: line, 'uuid?': uuid, 'ns?': reference })

const observation = object({
  uuid,
  'title?': text,
  description: text,
  'props?': list(property),
  methods: list(line),
  'types?': list(token),
  'relevant-evidence?': list(object({ 'href?': reference, description: text, 'remarks?': text })),
  collected: instant,
  'expires?': instant,
  'remarks?': text,
})

const risk = object({
  uuid,
  title: text,
  description: text,
  statement: text,
  status: token,
  'deadline?': instant,
})

const finding = object({
  uuid,
  title: text,
  description: text,
  target: object({
    type: { enum: ['statement-id', 'objective-id'] },
    'target-id': token,
    'title?': text,
    'description?': text,
    status: object({
      state: { enum: ['satisfied', 'not-satisfied'] },
      'reason?': token,
      'remarks?': text,
    }),
  }),
  'related-observations?': list(object({ 'observation-uuid': uuid })),
  'related-risks?': list(object({ 'risk-uuid': uuid })),
  'remarks?': text,
})

const result = object({
  uuid,
  title: text,
  description: text,
  start: instant,
  'end?': instant,
  'reviewed-controls': object({
    'control-selections': list(
      object({ 'include-controls?': list(object({ 'control-id': token })) }),
    ),
  }),
  'observations?': list(observation),
  'risks?': list(risk),
  'findings?': list(finding),
  'remarks?': text,
})

const schema = object({
  'assessment-results': object({
    uuid,
    metadata: object({
      title: text,
      'last-modified': instant,
      version: line,
      'oscal-version': line,
      'remarks?': text,
    }),
    'import-ap': object({ href: reference, 'remarks?': text }),
    results: list(result),
    'back-matter?': object({
      'resources?': list(
        object({
          uuid,
          'title?': text,
          'rlinks?': list(
            object({ href: reference, 'hashes?': list(object({ algorithm: line, value: text })) }),
          ),
        }),
      ),
    }),
  }),
})

const validate = new Ajv2020({ allErrors: true, strict: false }).compile(schema)

/** What is wrong with it, a line each; empty when it has the published shape. */
export function oscalProblems(value: unknown): string[] {
  validate(value)
  return (validate.errors ?? []).map(
    ({ instancePath, message, params }) =>
      `${instancePath} ${message ?? ''} ${JSON.stringify(params)}`,
  )
}

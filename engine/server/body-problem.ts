/** What a check against a JSON Schema found, as the operating error that a person understands. */
import { OperatingError } from '../base/errors.ts'

/** One finding, as ajv tells it. */
export interface SchemaFinding {
  readonly keyword: string
  readonly instancePath: string
  readonly message?: string
  readonly params: Readonly<Record<string, unknown>>
}

/** The first finding as `usage`; what is unknown is told as not supported. */
export function bodyProblem(findings: readonly SchemaFinding[]): OperatingError {
  const [finding] = findings
  const where = ['body', ...(finding?.instancePath.split('/').slice(1) ?? [])].join('.')
  if (finding?.keyword === 'additionalProperties') {
    const name = JSON.stringify(finding.params['additionalProperty'])
    const hint = 'Leave it out. What is supported stands in /openapi.json and in the README.'
    return new OperatingError('usage', `${where} has ${name}, which is not supported`, hint)
  }
  const allowed = finding?.params['allowedValues']
  const choices = Array.isArray(allowed) ? `: ${allowed.join(', ')}` : ''
  const message = `${where} ${finding?.message ?? 'is not as it should be'}${choices}`
  return new OperatingError('usage', message, 'See /openapi.json for what is expected.')
}

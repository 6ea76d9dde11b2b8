/**
 * Findings as SARIF 2.1.0 (OASIS, https://docs.oasis-open.org/sarif/sarif/v2.1.0/), which code hosts show on a
 * change. Pure. Lines and columns count from 1; columns are UTF-16 code units, as in the plan's places.
 */
import * as path from 'node:path'
import { pathToFileURL } from 'node:url'
import { sha256Hex } from '../../engine/index.ts'
import type { PlanError } from '../plan/problem.ts'
import type { Finding, Rule } from './finding.ts'

const schema =
  'https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json'

export interface SarifOptions {
  readonly version: string
  readonly rules: readonly Rule[]
}

/** A log with one run; its rules are all there are, so that a host can show those that found nothing. */
export const toSarif = (findings: readonly Finding[], options: SarifOptions): object =>
  log(options, {
    results: findings.map((finding) => ({
      ruleId: finding.code,
      ruleIndex: options.rules.findIndex(({ code }) => code === finding.code),
      level: finding.severity,
      message: { text: messageText(finding) },
      locations: [location(finding.place)],
      partialFingerprints: {
        'findingPath/v1': fingerprint(finding.code, finding.place.path, finding.message),
      },
    })),
    invocations: [{ executionSuccessful: true }],
  })

/** A plan that is no plan yet: its errors as results, and an invocation that did not succeed. */
export const errorsToSarif = (errors: readonly PlanError[], options: SarifOptions): object =>
  log(options, {
    results: errors.map((error) => ({
      ruleId: `plan-${error.rule}`,
      level: 'error',
      message: {
        text: error.hint === undefined ? error.message : `${error.message}\n${error.hint}`,
      },
      locations: [location(error)],
      partialFingerprints: {
        'findingPath/v1': fingerprint(`plan-${error.rule}`, error.path, error.message),
      },
    })),
    invocations: [{ executionSuccessful: false, exitCode: 10 }],
  })

const log = ({ version, rules }: SarifOptions, run: object): object => ({
  $schema: schema,
  version: '2.1.0',
  runs: [
    {
      tool: {
        driver: {
          name: 'vectra-dr check',
          semanticVersion: version,
          rules: rules.map(({ code, severity, title, why, remedy }) => ({
            id: code,
            shortDescription: { text: title },
            fullDescription: { text: why },
            help: { text: remedy },
            defaultConfiguration: { level: severity },
          })),
        },
      },
      columnKind: 'utf16CodeUnits',
      ...run,
    },
  ],
})

const messageText = ({ message, arithmetic, assumes, remedy }: Finding): string =>
  [message, ...arithmetic, ...(assumes === undefined ? [] : [`assumed: ${assumes}`]), remedy].join(
    '\n',
  )

const location = ({ file, line, column }: Finding['place']): object => ({
  physicalLocation: {
    artifactLocation: { uri: uriOf(file) },
    region: { startLine: line, startColumn: column },
  },
})

/** Relative to the working directory where it lies below it, as code hosts want it. */
function uriOf(file: string): string {
  const relative = path.relative('.', file)
  const isBelow = !path.isAbsolute(relative) && relative.split(path.sep)[0] !== '..'
  return isBelow
    ? relative.split(path.sep).map(encodeURIComponent).join('/')
    : pathToFileURL(path.resolve(file)).href
}

/** The same finding keeps it when lines move. */
const fingerprint = (code: string, where: string, message: string): string =>
  sha256Hex([code, where, message.replace(/\d+/g, '#')].join('\n')).slice(0, 32)

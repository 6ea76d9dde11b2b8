/**
 * What one try of a step works with: filled-in templates, its artefacts, and the ways to tell
 * something, which close when the try is over.
 */
import type { JsonObject } from '../../engine/index.ts'
import type { StepTask, TaskTree } from '../compile/task.ts'
import { resolveTemplate, type Template, type TemplateContext } from '../plan/template.ts'
import type { Evidence, RecordedError, StageName, StepRecord } from '../step/record.ts'
import { recordedInputs } from '../step/recorded-inputs.ts'
import type { Interrupted, StepContext } from '../step/step.ts'
import { keepArtefact } from './artefacts.ts'
import { redactJson } from './redact-json.ts'
import type { StepKey } from './run-event.ts'
import type { RunTools } from './run-tools.ts'

const remarksKept = 200
const remarkChars = 500

/** What the steps of one run share. */
export interface RunScope {
  readonly run: string
  readonly tree: TaskTree
  readonly tools: RunTools
  /** When the run was due, epoch milliseconds. */
  readonly dueAt: number
  /** Answers to the questions of a procedure, by name. */
  readonly answers: ReadonlyMap<string, string>
  /** Records of the steps that ended so far. Grows. */
  readonly records: readonly StepRecord[]
  /** Why the run fails, so far. */
  error(): RecordedError | undefined
  /** Writes what a step noted into the ledger; durable when it resolves. */
  note(key: StepKey, note: JsonObject): Promise<void>
}

export interface Workspace {
  readonly context: StepContext
  readonly evidence: readonly Evidence[]
  /** No more remarks and progress from here on. */
  close(): { readonly inputs: JsonObject; readonly remarks: readonly string[] }
}

/** The step's inputs as its record has them: filled in as far as they can be, secrets masked. */
export function inputsOf(task: StepTask, scope: RunScope): JsonObject {
  const templates = templatesOf(scope)
  return recordedInputs(task.input, (template) => {
    try {
      return scope.tools.redact(resolveTemplate(template, templates).shown)
    } catch {
      return template.text // the step itself says what is missing
    }
  })
}

/** @param interrupted present when a process that died had begun the step */
export function openWorkspace(
  task: StepTask,
  stage: StageName,
  scope: RunScope,
  signal: AbortSignal,
  interrupted?: Interrupted,
): Workspace {
  const { tools, tree, records, run } = scope
  const key = { stage, step: task.id }
  const evidence: Evidence[] = []
  const remarks: string[] = []
  let open = true

  const templates = templatesOf(scope)
  const resolve = (template: Template, collection?: string) =>
    resolveTemplate(template, { ...templates, ...(collection !== undefined && { collection }) })
  const inputs = inputsOf(task, scope)
  const context: StepContext = {
    id: task.id,
    mark: `${run}/${stage}/${task.id}`,
    plan: tree.plan,
    asking: tools.asking,
    inputs,
    records,
    signal,
    forceSignal: tools.forceSignal,
    disk: tools.disk,
    clock: tools.clock,
    timer: tools.timer,
    environment: tools.environment,
    repositories: tools.repositories,
    target: tools.target,
    redact: tools.redact,
    text: (template, collection) => resolve(template, collection).value,
    progress: (event) => {
      if (open) tools.observe({ kind: 'progress', ...key, event })
    },
    remark: (text) => {
      if (!open) return
      const shown = tools.redact(text).slice(0, remarkChars)
      if (remarks.length < remarksKept) remarks.push(shown)
      tools.observe({ kind: 'remark', ...key, text: shown })
    },
    beside: () => AbortSignal.abort(), // alone, there is nothing to run beside
    note: (note) => scope.note(key, redactJson(note, tools.redact)),
    ...(interrupted && { interrupted }),
    keep: async (name, content) => {
      const bytes = Buffer.from(typeof content === 'string' ? tools.redact(content) : content)
      const kept = await keepArtefact(tools.disk, tools.stateDirectory, run, key, name, bytes)
      evidence.push(kept)
      return kept
    },
  }
  return {
    context,
    evidence,
    close() {
      open = false
      return { inputs, remarks }
    },
  }
}

function templatesOf(scope: RunScope): TemplateContext {
  const { tools, tree, records, run, dueAt, answers } = scope
  const error = scope.error()
  return {
    env: tools.environment,
    dueAt,
    timezone: tree.timezone,
    run,
    answers,
    domains: new Map([...tree.plan.targets].map(([name, { domains }]) => [name, domains])),
    outputs: new Map(
      records
        .filter((record) => record.stage !== 'undo' && record.outcome === 'passed')
        .map((record) => [record.step, record.outputs]),
    ),
    ...(error && { runError: error.message }),
  }
}

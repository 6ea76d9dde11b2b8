/**
 * A tree that is drawn while the run goes on, by listr2. The only file that imports it.
 *
 * listr2 draws, it decides nothing: its tasks wait for what the run tells. Because it starts its tasks
 * on its own turns, each step keeps what was told until the task that draws it is there. Times are
 * those of the records; listr2 gets no signals and none of the process's streams.
 */
import { DefaultRenderer, Listr, ListrLogger, type ListrTask, ProcessOutput } from 'listr2'
import { type ProgressEvent, ProgressRate } from '../../engine/index.ts'
import type { StepTask, Task, TaskTree } from '../compile/task.ts'
import { oneLine } from '../step/plain-text.ts'
import { showDuration } from '../step/quantity.ts'
import type { StageName, StepRecord } from '../step/record.ts'
import {
  progressText,
  type Renderer,
  type Screen,
  stageTitles,
  stepTitle,
  timeText,
} from './renderer.ts'
import type { RunEvent, StepKey } from './run-event.ts'
import { shareScreen } from './shared-screen.ts'

/** Titles change at most this often, for the sake of the terminal. */
const redrawMs = 100

/** Remarks stay under their step; a record bounds how many there are. */
const keepOutput = { outputBar: Number.POSITIVE_INFINITY, persistentOutput: true } as const

/** Draws wherever it is told to; whether that is a terminal was decided before. */
class ScreenRenderer extends DefaultRenderer {
  static override nonTTY = true
}

/** A promise that somebody else resolves. */
function deferred<T>(): { readonly promise: Promise<T>; resolve(value: T): void } {
  let resolve: (value: T) => void = () => {}
  const promise = new Promise<T>((settle) => {
    resolve = settle
  })
  return { promise, resolve: (value) => resolve(value) }
}

type DrawnTask = ListrTask<unknown, typeof ScreenRenderer>

/** What a listr2 task lets us change. */
interface Drawn {
  title: string
  output: string
  skip(text?: string): void
}

/** One step as drawn: what was told before listr2 started its task is told then. */
class StepView {
  readonly #title: string
  readonly #rate: ProgressRate
  readonly #told: ((drawn: Drawn) => void)[] = []
  readonly #end = deferred<StepRecord>()
  #drawn: Drawn | undefined
  #redrawnAtMs = 0

  constructor(title: string, nowMs: () => number) {
    this.#title = oneLine(title)
    this.#rate = new ProgressRate({ monotonicMs: nowMs })
  }

  /** The listr2 task: waits for the end of the step. */
  async draw(drawn: Drawn): Promise<void> {
    this.#drawn = drawn
    for (const tell of this.#told) tell(drawn)
    const record = await this.#end.promise
    const title = `${this.#title}  [${timeText(record)}]`
    if (record.outcome === 'skipped') return drawn.skip(`${this.#title}  [skipped]`)
    if (record.outcome === 'passed') {
      drawn.title = title
      return
    }
    const why = record.outcome === 'cancelled' ? 'stopped' : (record.error?.message ?? 'failed')
    throw new Error(`${title}\n${oneLine(why)}`)
  }

  progress(event: ProgressEvent, nowMs: number): void {
    const rate = this.#rate.note(event)
    if (nowMs - this.#redrawnAtMs < redrawMs) return
    this.#redrawnAtMs = nowMs
    if (this.#drawn) this.#drawn.title = `${this.#title}  ${progressText(event, rate)}`
  }

  remark(text: string): void {
    this.#tell((drawn) => {
      drawn.output = oneLine(text)
    })
  }

  end(record: StepRecord): void {
    this.#end.resolve(record)
  }

  #tell(tell: (drawn: Drawn) => void): void {
    if (this.#drawn) tell(this.#drawn)
    else this.#told.push(tell)
  }
}

export function renderTree(given: Screen, nowMs: () => number): Renderer {
  const screen = shareScreen(given)
  const views = new Map<string, StepView>()
  const viewOf = ({ stage, step }: StepKey) => views.get(`${stage}/${step}`)
  const undo = new UndoView()
  let drawing: Promise<unknown> = Promise.resolve()
  const closing: string[] = []

  const observe = (event: RunEvent): void => {
    switch (event.kind) {
      case 'run-started':
        drawing = listrOf(event.tree, views, undo, screen, nowMs).run()
        break
      case 'step-started':
        break
      case 'progress':
        viewOf(event)?.progress(event.event, nowMs())
        break
      case 'remark':
        if (event.stage === 'undo') undo.tell(`${event.step}: ${event.text}`)
        else viewOf(event)?.remark(event.text)
        break
      case 'step-retried':
        viewOf(event)?.remark(
          `try ${event.attempt} failed: ${event.error.message}; next in ${showDuration(event.pauseMs)}`,
        )
        break
      case 'step-ended':
        if (event.stage === 'undo') undo.tell(`${event.step} ${event.record.outcome}`)
        else viewOf(event)?.end(event.record)
        break
      case 'stage-started':
        if (event.stage === 'undo') undo.begin()
        if (event.stage === 'always') undo.end()
        break
      case 'run-remark':
        closing.push(`warning: ${event.text}\n`)
        break
      case 'run-ended':
        undo.end()
        // stages that were never reached
        for (const view of views.values()) view.end(neverRan)
        break
      default:
        event satisfies never
    }
  }
  return {
    observe,
    aside: screen.aside,
    async close() {
      await drawing
      for (const text of closing) screen.write(text)
    },
  }
}

const neverRan: StepRecord = {
  step: '',
  kind: '',
  stage: 'steps',
  outcome: 'skipped',
  startedAt: '',
  endedAt: '',
  durationMs: 0,
  attempts: 0,
  inputs: {},
  outputs: {},
  evidence: [],
  remarks: [],
}

/** Whether anything is undone is known only when the steps are over. */
class UndoView {
  readonly #lines: string[] = []
  readonly #over = deferred<undefined>()
  #begun = false
  #drawn: Drawn | undefined

  begin(): void {
    this.#begun = true
  }

  tell(text: string): void {
    if (this.#drawn) this.#drawn.output = oneLine(text)
    else this.#lines.push(oneLine(text))
  }

  end(): void {
    this.#over.resolve(undefined)
  }

  async draw(drawn: Drawn): Promise<void> {
    this.#drawn = drawn
    for (const line of this.#lines) drawn.output = line
    await this.#over.promise
    if (!this.#begun) drawn.skip('undo  [nothing to undo]')
  }
}

function listrOf(
  tree: TaskTree,
  views: Map<string, StepView>,
  undo: UndoView,
  screen: Screen,
  nowMs: () => number,
): Listr<unknown, typeof ScreenRenderer> {
  const stepTask = (stage: StageName, task: StepTask): DrawnTask => {
    const view = new StepView(stepTitle(task), nowMs)
    views.set(`${stage}/${task.id}`, view)
    return {
      title: oneLine(stepTitle(task)),
      task: (_, drawn) => view.draw(drawn),
      rendererOptions: keepOutput,
    }
  }
  const toTask = (stage: StageName, task: Task): DrawnTask => {
    if (task.kind === 'step') return stepTask(stage, task)
    const inner = task.tasks.map((each) => stepTask(stage, each))
    return {
      title: 'side by side',
      task: (_, drawn) => drawn.newListr(inner, { concurrent: true, exitOnError: false }),
    }
  }
  const canUndo = tree.stages.some(({ tasks }) =>
    tasks.some((task) => task.kind === 'step' && task.onFailure === 'undo'),
  )
  const stages = tree.stages.flatMap(({ name, tasks }): DrawnTask[] => {
    const inner = tasks.map((task) => toTask(name, task))
    const stage: DrawnTask = {
      title: stageTitles[name],
      task: (_, drawn) => drawn.newListr(inner, { exitOnError: false }),
    }
    const undoTask: DrawnTask = {
      title: stageTitles.undo,
      task: (_, drawn) => undo.draw(drawn),
      rendererOptions: keepOutput,
    }
    return name === 'steps' && canUndo ? [stage, undoTask] : [stage]
  })
  return new Listr(stages, {
    renderer: ScreenRenderer,
    exitOnError: false,
    registerSignalListeners: false,
    rendererOptions: {
      collapseSubtasks: false,
      logger: new ListrLogger({ useIcons: true, processOutput: outputOn(screen) }),
    },
  })
}

/** listr2 wants streams of the process and uses this of them. */
function outputOn(screen: Screen): ProcessOutput {
  const stream = {
    write: (text: string): boolean => {
      screen.write(text)
      return true
    },
    columns: screen.columns,
    rows: screen.rows,
    isTTY: true,
  } as unknown as NodeJS.WriteStream
  return new ProcessOutput(stream, stream)
}

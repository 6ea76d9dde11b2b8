/** Stories of disasters: what is lost, what happens when, which procedure answers. */
import type { Place } from './place.ts'

export type DisasterKind = 'node' | 'disk' | 'region' | 'account' | 'vendor' | 'data'

/** What people should do at a moment of the story. */
export type Expectation = 'detect' | 'declare' | 'decide' | 'restore' | 'verify' | 'serve'

/** Something that fails on top. */
export interface Failing {
  readonly what: 'contact' | 'destination' | 'target'
  readonly name: string
  /** For ever when absent. */
  readonly forMs?: number
}

/** One scripted event. */
export interface ScenarioInject {
  /** Since the disaster. */
  readonly atMs: number
  /** What people learn. */
  readonly say?: string
  readonly expect?: Expectation
  readonly fail?: Failing
  readonly place: Place
}

export interface Scenario {
  readonly name: string
  readonly description?: string
  readonly kind: DisasterKind
  /** Name of what is lost, by kind of failure domain. */
  readonly loses: ReadonlyMap<Exclude<DisasterKind, 'data'>, string>
  /** A procedure of the plan. */
  readonly recover: string
  /** The earliest first. */
  readonly injects: readonly ScenarioInject[]
  /** For the talk afterwards. */
  readonly questions: readonly string[]
  readonly place: Place
}

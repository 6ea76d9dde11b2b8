/**
 * Besides what JSON Schema checks, our schemas carry annotations that tell what a text refers to; one
 * validation gives the errors and everything the later checks need:
 *
 *     x-names: targets       the text is the name of one
 *     x-keys: collections    each key is the name of one
 *     x-defines: stored      the text brings a collection of that name about
 *     x-template: setting    the text may hold ${env.…} (`step`: every variable)
 *     x-outputs: [snapshot]  what ${steps.<id>.…} may ask of a step of this kind
 */
import { childPointer } from './path-text.ts'

/** `stored`: a collection of the plan, or one that a step makes. */
export type Namespace =
  | 'targets'
  | 'destinations'
  | 'collections'
  | 'tiers'
  | 'stored'
  | 'aliases'
  | 'roles'
  | 'contacts'
  | 'channels'
  | 'procedures'

export interface NamedText {
  readonly pointer: string
  readonly namespace: Namespace
  readonly name: string
  /** It is a key of a mapping, not a value. */
  readonly atKey: boolean
}

export type TemplateMode = 'setting' | 'step'

export interface Annotations {
  readonly names: NamedText[]
  readonly defines: NamedText[]
  /** By JSON pointer. */
  readonly templates: Map<string, TemplateNote>
}

export interface TemplateNote {
  readonly mode: TemplateMode
  readonly text: string
  /** Of the text once it is filled in. */
  readonly format?: string
}

/** What the function that validates calls where an annotation stands, with its word, the value and its place. */
export interface Notes {
  named(namespace: Namespace, name: string, pointer: string): void
  defined(namespace: Namespace, name: string, pointer: string): void
  template(mode: TemplateMode, text: string, pointer: string, format?: string): void
  keys(namespace: Namespace, mapping: object, pointer: string): void
}

/** Notes that are kept as annotations. */
export const notesFor = ({ names, defines, templates }: Annotations): Notes => ({
  named: (namespace, name, pointer) => {
    names.push({ pointer, namespace, name, atKey: false })
  },
  defined: (namespace, name, pointer) => {
    defines.push({ pointer, namespace, name, atKey: false })
  },
  template: (mode, text, pointer, format) => {
    templates.set(pointer, { mode, text, ...(format !== undefined && { format }) })
  },
  keys: (namespace, mapping, pointer) => {
    for (const name of Object.keys(mapping)) {
      names.push({ pointer: childPointer(pointer, name), namespace, name, atKey: true })
    }
  },
})

/** The parser's thread: YAML text in, plain values with offsets out. See `parse-plan.ts`. */
import { serveThread } from '../../engine/threads.ts'
import { parseYaml } from './parse-yaml.ts'

// at each word the library looks here whether to tell it; in a plain object it looks ten times as fast
process.env = {}

serveThread({ parse: (text: string) => parseYaml(text) })

/** The parser's thread: YAML text in, plain values with offsets out. See `parse-plan.ts`. */
import { serveThread } from '../../engine/index.ts'
import { parseYaml } from './parse-yaml.ts'

serveThread({ parse: (text: string) => parseYaml(text) })

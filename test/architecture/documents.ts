/** Documents must not speak of files and commands that are not there. */
import type { Finding, SourceFile } from './source-files.ts'

const mentionedPath =
  /(?<![\w/.<>-])((?:engine|planner|plans|schemas|runbooks|test|\.ci)\/[\w./-]*\w\.(?:ts|mjs|json|jsonl|yaml|md|f32))\b/g
const mentionedScript = /\bnpm run ([\w:-]+)/g
const link = /\]\((?!https?:|mailto:|#)([^)#\s]+)/g

/** `exists` is asked for paths from the project's root; `scripts` are those of package.json. */
export function documentFindings(
  documents: readonly SourceFile[],
  exists: (path: string) => boolean,
  scripts: readonly string[],
): Finding[] {
  return documents.flatMap(({ path, text }) =>
    text.split('\n').flatMap((line, index) => {
      const say = (message: string): Finding => ({ path, line: index + 1, message })
      const groupsOf = (pattern: RegExp): string[] =>
        [...line.matchAll(pattern)].map((match) => match[1] ?? '')
      return [
        ...[...groupsOf(mentionedPath), ...groupsOf(link)]
          .filter((mentioned) => !exists(mentioned))
          .map((mentioned) => say(`speaks of ${mentioned}, which is not there`)),
        ...groupsOf(mentionedScript)
          .filter((script) => !scripts.includes(script))
          .map((script) => say(`speaks of npm run ${script}, which is not a script`)),
      ]
    }),
  )
}

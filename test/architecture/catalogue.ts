/** Catalogues must not outlive what they list. */
import { type Finding, type SourceFile, viewOf } from './source-files.ts'

/** Error codes that nothing outside their catalogue names. */
export function unusedCodeFindings(
  codes: readonly string[],
  files: readonly SourceFile[],
  catalogue: string,
): Finding[] {
  const users = files.filter(({ path }) => path !== catalogue)
  return codes
    .filter((code) => {
      const quoted = new RegExp(`(['"\`])${code}\\1`)
      return !users.some((file) => quoted.test(viewOf(file).uncommented))
    })
    .map((code) => ({ path: catalogue, message: `nothing raises the error ${code}` }))
}

/** Members of a constant object, such as `limits.nameLength`, that nothing reads. */
export function unusedMemberFindings(
  object: string,
  members: readonly string[],
  files: readonly SourceFile[],
  catalogue: string,
): Finding[] {
  return members
    .filter((member) => {
      const read = new RegExp(`\\b${object}\\s*\\.\\s*${member}\\b`)
      return !files.some((file) => read.test(viewOf(file).code))
    })
    .map((member) => ({ path: catalogue, message: `nothing reads ${object}.${member}` }))
}

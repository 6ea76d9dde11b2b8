import { expect, test } from 'vitest'
import { measuredMark } from '../../../planner/report/block.ts'
import { differencesOf } from '../../../planner/runbook/compare.ts'

const page = (took: string, command: string) =>
  `# Runbook\n\n${took}${measuredMark}\n\n\`\`\`sh\n${command}\n\`\`\`\n`

test('what comes from the ledger is not compared', () => {
  expect(differencesOf('a.md', page('30 s', 'go'), page('2 min', 'go'))).toBeUndefined()
})

test('a changed command is shown as a diff', () => {
  expect(differencesOf('a.md', page('30 s', 'go'), page('30 s', 'stop'))).toEqual([
    ...['--- a.md', '+++ a.md as the plan has it now', '@@ -1,6 +1,6 @@'],
    ...[' # Runbook', ' ', ' ', ' ```sh', '-go', '+stop', ' ```'],
  ])
})

test('a command counts also when it ends like what is not compared', () => {
  const added = page('30 s', `go\nrm -rf / #${measuredMark}`)
  expect(
    differencesOf('a.md', added, page('30 s', 'go'))?.filter((line) => /^-r/.test(line)),
  ).toEqual([`-rm -rf / #${measuredMark}`])
})

// Prints "N passed, N failed" over all vitest results in a directory, and exits 1 unless every test
// ran and passed: a skipped test, a file that did not load and a run without tests count as failures.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const directory = process.argv[2]
if (directory === undefined) throw new Error('usage: count-tests.mjs DIRECTORY')

let passed = 0
const failures = []
const names = readdirSync(directory).filter((each) => each.endsWith('.json'))
for (const name of names) {
  const results = JSON.parse(readFileSync(join(directory, name), 'utf8'))
  let ran = 0
  for (const file of results.testResults) {
    for (const test of file.assertionResults) {
      ran++
      if (test.status === 'passed') passed++
      else failures.push(`${test.status}: ${file.name}: ${test.fullName}`)
    }
    if (file.status === 'failed' && file.assertionResults.length === 0) {
      failures.push(`failed to load: ${file.name}: ${file.message}`)
    }
  }
  if (ran === 0) failures.push(`a run without tests: ${name}`)
}
if (names.length === 0) failures.push('no run left any results')

for (const failure of failures) console.log(failure)
console.log(`${passed} passed, ${failures.length} failed`)
process.exitCode = failures.length === 0 ? 0 : 1

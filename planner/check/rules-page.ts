/** The page of all rules, FINDINGS.md, from the registry. Pure. */
import { ruleGroups } from './registry.ts'

/** Markdown that ends with a line feed. */
export function rulesPage(): string {
  const lines = [
    '# Findings',
    '',
    'What `vectra-dr check PLAN` can tell before anything runs. This page is made from the rules: `vectra-dr check --rules`',
    'prints it. Codes are stable. An **error** is a plan that cannot meet what it promises, or that gives a secret away; the',
    'command exits 3. A **warning** is likely to disappoint on the day; with `--strict` it exits 3 as well. A **note** is worth',
    'knowing. What rests on something that nobody has said or measured says so.',
  ]
  for (const { name, rules } of ruleGroups) {
    lines.push(
      '',
      `## ${name}`,
      '',
      '| code | severity | what | why it matters | what to do |',
      '| --- | --- | --- | --- | --- |',
    )
    for (const { code, severity, title, why, remedy } of rules) {
      lines.push(`| \`${code}\` | ${severity} | ${[title, why, remedy].map(cell).join(' | ')} |`)
    }
  }
  return `${lines.join('\n')}\n`
}

const cell = (text: string): string => text.replaceAll('|', '\\|')

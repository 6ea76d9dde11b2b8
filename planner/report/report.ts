/**
 * The report of an audit in three forms that tell the same in the same order: JSON for programs,
 * Markdown for repositories and tickets, HTML for people. Pure; the same audit gives the same bytes.
 */
import type { Audit } from '../audit/audit.ts'
import { toHtml } from './html.ts'
import { toMarkdown } from './markdown.ts'
import { overall, tellStory } from './story.ts'

export interface Report {
  readonly json: string
  readonly markdown: string
  readonly html: string
}

export function toReport(audit: Audit): Report {
  const story = tellStory(audit)
  // the verdict first, as in the other two
  const value = { report: 1, verdict: overall(audit), lead: story.lead, ...audit }
  return {
    json: `${JSON.stringify(value, null, 2)}\n`,
    markdown: toMarkdown(story),
    html: toHtml(story),
  }
}

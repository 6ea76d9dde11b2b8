/**
 * The report of an audit in three forms that tell the same in the same order: JSON for programs,
 * Markdown for repositories and tickets, HTML for people. Pure; the same audit gives the same bytes.
 */
import type { Audit } from '../audit/audit.ts'
import type { Differences } from '../audit/differences.ts'
import type { Story } from './block.ts'
import { type Draw, toHtml } from './html.ts'
import { toMarkdown } from './markdown.ts'
import { overall, tellStory } from './story.ts'

export interface Report {
  readonly json: string
  readonly markdown: string
  readonly html: string
}

/** @param differences from an earlier audit, where there is one */
export async function toReport(audit: Audit, differences?: Differences): Promise<Report> {
  const story = tellStory(audit, differences)
  // the verdict first, as in the other two
  const head = { report: 1, verdict: overall(audit), lead: story.lead }
  const value = { ...head, ...audit, ...(differences && { differences }) }
  return {
    json: `${JSON.stringify(value, null, 2)}\n`,
    markdown: toMarkdown(story),
    html: await drawnHtml(story),
  }
}

/** A page with its charts. */
export const drawnHtml = async (story: Story): Promise<string> =>
  toHtml(story, await drawing(story))

/** The library that draws is large: only a story with charts loads it. */
async function drawing({ sections }: Story): Promise<Draw | undefined> {
  const hasCharts = sections.some(({ blocks }) => blocks.some(({ kind }) => kind === 'chart'))
  return hasCharts ? (await import('../chart/draw-chart.ts')).drawChart : undefined
}

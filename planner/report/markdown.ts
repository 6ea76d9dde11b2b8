/** The story as Markdown: CommonMark with tables. Text of others cannot become markup. */
import type { Block, Cell, Story } from './block.ts'

const marks = { met: '✅ met', missed: '❌ missed', unproven: '❔ unproven' } as const

export function toMarkdown(story: Story): string {
  const parts = [
    `# ${safe(story.title)}`,
    `**${marks[story.verdict]}** — ${safe(story.lead)}`,
    ...story.sections.flatMap(({ heading, blocks }) => [
      `## ${safe(heading)}`,
      ...blocks.flatMap((block) => toBlock(block) ?? []),
    ]),
  ]
  return `${parts.join('\n\n')}\n`
}

function toBlock(block: Block): string | undefined {
  switch (block.kind) {
    case 'paragraph':
      return safe(block.text)
    case 'list':
      return block.items.map((item) => `- ${safe(item)}`).join('\n')
    case 'lines':
      // indented code has no fence that the text could close
      return block.lines.map((line) => `    ${oneLine(line)}`).join('\n')
    case 'table':
      return [
        row(block.columns.map(safe)),
        row(block.columns.map(() => '---')),
        ...block.rows.map((cells) => row(cells.map(toCell))),
      ].join('\n')
    case 'chart':
      return undefined
    case 'entries':
      return block.entries.map(({ line, text }) => `- line ${line}: ${safe(text)}`).join('\n')
    default:
      return block satisfies never
  }
}

const row = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`

function toCell(cell: Cell): string {
  if (typeof cell === 'string') return safe(cell)
  if ('verdict' in cell) return marks[cell.verdict]
  if (cell.text === undefined) return cell.lines.join(', ')
  const lines = cell.lines.length === 0 ? '' : ` (ledger line ${cell.lines.join(', ')})`
  return `${safe(cell.text)}${lines}`
}

/** Every character that could begin markup or HTML is escaped. */
const safe = (text: string): string =>
  oneLine(text).replace(/[\\`*_[\]<>#|~&!]/g, (char) => `\\${char}`)

// controls, line and paragraph separators, marks that reorder text
const oneLine = (text: string): string =>
  text.replace(/[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/gu, ' ')

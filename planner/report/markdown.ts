/** The story as Markdown: CommonMark with tables. Text of others cannot become markup. */
import type { Block, Cell, Story } from './block.ts'

const marks = { met: '✅ met', missed: '❌ missed', unproven: '❔ unproven' } as const

export function toMarkdown(story: Story): string {
  const parts = [
    `# ${safe(story.title)}`,
    `**${marks[story.verdict]}** — ${safe(story.lead)}`,
    ...story.sections.flatMap(({ heading, blocks }) => [
      `## ${safe(heading)}`,
      ...blocks.map(toBlock),
    ]),
  ]
  return `${parts.join('\n\n')}\n`
}

function toBlock(block: Block): string {
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
    default:
      return block satisfies never
  }
}

const row = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`

const toCell = (cell: Cell): string => (typeof cell === 'string' ? safe(cell) : marks[cell.verdict])

/** Every character that could begin markup or HTML is escaped. */
const safe = (text: string): string =>
  oneLine(text).replace(/[\\`*_[\]<>#|~&!]/g, (char) => `\\${char}`)

// controls, line and paragraph separators, marks that reorder text
const oneLine = (text: string): string =>
  text.replace(/[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/gu, ' ')

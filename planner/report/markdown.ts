/** The story as Markdown: CommonMark with tables. Text of others cannot become markup. */
import { type Block, type Cell, measuredMark, type Story } from './block.ts'

const marks = { met: '✅ met', missed: '❌ missed', unproven: '❔ unproven' } as const

export function toMarkdown(story: Story): string {
  const parts = [
    `# ${safe(story.title)}`,
    story.verdict === undefined
      ? safe(story.lead)
      : `**${marks[story.verdict]}** — ${safe(story.lead)}`,
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
      return `${safe(block.text)}${markOf(block)}`
    case 'list':
      return block.items.map((item) => `- ${safe(item)}${markOf(block)}`).join('\n')
    case 'heading':
      return `${block.isStep === true ? '####' : '###'} ${safe(block.text)}`
    case 'commands': {
      const fence = fenceFor(block.lines)
      return [`${fence}sh`, ...block.lines, fence].join('\n')
    }
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

const markOf = ({ isMeasured }: { readonly isMeasured?: boolean }): string =>
  isMeasured === true ? measuredMark : ''

/** One that no line closes. */
const fenceFor = (lines: readonly string[]): string =>
  '`'.repeat(
    Math.max(3, ...lines.flatMap((line) => line.match(/`+/g) ?? []).map((run) => run.length + 1)),
  )

const row = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`

function toCell(cell: Cell): string {
  if (typeof cell === 'string') return safe(cell)
  if ('verdict' in cell) return marks[cell.verdict]
  if (cell.text === undefined) return cell.lines.join(', ')
  const lines = cell.lines.length === 0 ? '' : ` (ledger line ${cell.lines.join(', ')})`
  return `${safe(cell.text)}${lines}`
}

/** Every character that could begin markup or HTML is escaped; inside a word an underscore cannot. */
const safe = (text: string): string =>
  oneLine(text).replace(
    /[\\`*[\]<>#|~&!]|(?<![\p{L}\p{N}])_|_(?![\p{L}\p{N}])/gu,
    (char) => `\\${char}`,
  )

// controls, line and paragraph separators, marks that reorder text
const oneLine = (text: string): string =>
  text.replace(/[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/gu, ' ')

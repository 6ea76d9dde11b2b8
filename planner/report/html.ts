/**
 * The story as one HTML file: no scripts, no network, light and dark, made for print and for phones.
 * All text is escaped, and a content security policy keeps the page from loading anything.
 */
import type { Chart } from '../chart/chart.ts'
import { type Block, type Cell, measuredMark, type Story } from './block.ts'

const light = `--page: #ffffff; --line: #d0d7de; --soft: #f3f5f7; --text: #1c2128; --muted: #57606a;
  --link: #0b57a4; --met: #116329; --missed: #a40e26; --unproven: #7a4d00; --series1: #0b62a8;
  --series2: #b5530a; --series3: #1a7f5a; --series4: #7c3fb0; --series5: #8a6d00;
  --series6: #b0305f; --series7: #00727f; --series8: #5c6b00; --series9: #6a5acd;`

const style = `
:root { color-scheme: light dark; ${light} }
@media (prefers-color-scheme: dark) { :root { --page: #0d1117; --line: #3d444d; --soft: #20262d;
  --text: #e6edf3; --muted: #9aa4af; --link: #79b8ff; --met: #57d27d; --missed: #ff8e87;
  --unproven: #e8b54a; --series1: #6cb6ff; --series2: #f0a25e; --series3: #5fd3a6;
  --series4: #c89bf5; --series5: #d9c14a;
  --series6: #f29ab9; --series7: #6cc7d2; --series8: #b9c95a; --series9: #aaa1ee; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1.5rem 1rem 4rem; max-width: 62rem; color: var(--text);
  background: var(--page); font: 1rem/1.55 system-ui, sans-serif; overflow-wrap: anywhere; }
h1 { font-size: 1.6rem; line-height: 1.25; margin: 0 0 .75rem; }
h2 { font-size: 1.15rem; margin: 2.25rem 0 .6rem; }
h3 { font-size: 1.05rem; margin: 1.6rem 0 .4rem; }
h4 { font-size: 1rem; margin: 1.3rem 0 .3rem; }
a { color: var(--link); }
a:focus-visible { outline: 2px solid currentColor; outline-offset: 2px; }
.lead { border: 1px solid var(--line); border-left: .4rem solid currentColor; border-radius: .4rem;
  padding: .8rem 1rem; margin: 0; font-size: 1.1rem; font-weight: 600; }
/* one click takes all of it */
.commands { user-select: all; }
.met { color: var(--met); } .missed { color: var(--missed); } .unproven { color: var(--unproven); }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: .92rem; font-variant-numeric: tabular-nums; }
th, td { text-align: left; vertical-align: top; padding: .4rem .7rem .4rem 0;
  border-bottom: 1px solid var(--line); overflow-wrap: normal; }
th { font-weight: 600; vertical-align: bottom; }
td strong, time { white-space: nowrap; }
figure { margin: 1rem 0 1.25rem; }
figcaption { font-weight: 600; margin: 0 0 .4rem; }
svg { display: block; width: 100%; height: auto; }
pre { background: var(--soft); border-radius: .4rem; padding: .7rem .9rem; overflow-x: auto;
  font: .85rem/1.45 ui-monospace, monospace; }
ul { padding-left: 1.2rem; }
.entries { padding-left: 4.5rem; font-size: .9rem; }
.entries li:target { background: var(--soft); outline: 2px solid var(--link); }
@media print { :root { color-scheme: light; ${light} }
  body { max-width: none; padding: 0; font-size: 10pt; }
  h2, h3, h4 { break-after: avoid; } tr, pre, figure { break-inside: avoid; }
  .scroll, pre { overflow: visible; } pre { white-space: pre-wrap; } a { color: inherit; } }
`

const marks = { met: '✓ met', missed: '✗ missed', unproven: '? unproven' } as const

/** Draws a chart as an `<svg>` element of this id. */
export type Draw = (chart: Chart, id: string) => string

/** @param draw where the story has charts */
export function toHtml(story: Story, draw?: Draw): string {
  const lines = new Set(
    story.sections.flatMap(({ blocks }) =>
      blocks.flatMap((block) =>
        block.kind === 'entries' ? block.entries.map(({ line }) => line) : [],
      ),
    ),
  )
  let charts = 0
  const page: Page = {
    lines,
    draw: (chart) => (draw === undefined ? '' : draw(chart, `chart-${++charts}`)),
  }
  const body = story.sections.map(
    ({ heading, blocks }) =>
      `<section>\n<h2>${safe(heading)}</h2>\n${blocks.map((block) => toBlock(block, page)).join('\n')}\n</section>`,
  )
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${safe(story.title)}${story.verdict === undefined ? '' : `: ${story.verdict}`}</title>
<style>${style}</style>
</head>
<body>
<main>
<h1>${safe(story.title)}</h1>
${leadOf(story)}
${body.join('\n')}
</main>
</body>
</html>
`
}

const leadOf = ({ verdict, lead }: Story): string =>
  verdict === undefined
    ? `<p class="lead">${safe(lead)}</p>`
    : `<p class="lead ${verdict}">${marks[verdict]}: ${safe(lead)}</p>`

const markOf = ({ isMeasured }: { readonly isMeasured?: boolean }): string =>
  isMeasured === true ? measuredMark : ''

interface Page {
  /** Lines of the ledger that stand on it. */
  readonly lines: ReadonlySet<number>
  readonly draw: (chart: Chart) => string
}

function toBlock(block: Block, page: Page): string {
  switch (block.kind) {
    case 'paragraph':
      return `<p>${safe(block.text)}</p>${markOf(block)}`
    case 'list': {
      const items = block.items.map((item) => `<li>${linked(item, page)}</li>${markOf(block)}`)
      return `<ul>\n${items.join('\n')}\n</ul>`
    }
    case 'heading': {
      const name = block.isStep === true ? 'h4' : 'h3'
      return `<${name}>${safe(block.text)}</${name}>`
    }
    case 'commands':
      return `<pre class="commands">${block.lines.map(safe).join('\n')}</pre>`
    case 'lines':
      return `<pre>${block.lines.map(safe).join('\n')}</pre>`
    case 'table': {
      const head = block.columns.map((name) => `<th scope="col">${safe(name)}</th>`).join('')
      const rows = block.rows.map(
        (cells) => `<tr>${cells.map((cell) => toCell(cell, page)).join('')}</tr>`,
      )
      return `<div class="scroll"><table>\n<thead><tr>${head}</tr></thead>\n<tbody>\n${rows.join('\n')}\n</tbody>\n</table></div>`
    }
    case 'chart':
      return `<figure>\n<figcaption>${safe(block.chart.title)}</figcaption>\n${page.draw(block.chart)}\n</figure>`
    case 'entries': {
      const items = block.entries.map(
        ({ line, text }) => `<li id="line-${line}" value="${line}">${safe(text)}</li>`,
      )
      return `<ol class="entries">\n${items.join('\n')}\n</ol>`
    }
    default:
      return block satisfies never
  }
}

function toCell(cell: Cell, { lines }: Page): string {
  if (typeof cell === 'string') return `<td>${dated(cell)}</td>`
  if ('verdict' in cell) {
    return `<td><strong class="${cell.verdict}">${marks[cell.verdict]}</strong></td>`
  }
  const links = [...new Set(cell.lines)].map((line) =>
    lines.has(line) ? `<a href="#line-${line}">line ${line}</a>` : `line ${line}`,
  )
  if (cell.text === undefined) return `<td>${links.join(', ')}</td>`
  return `<td>${dated(cell.text)}${links.length === 0 ? '' : ` (${links.join(', ')})`}</td>`
}

/** A sentence, with the lines of the ledger that it names as links. */
const linked = (text: string, { lines }: Page): string =>
  safe(text).replace(/\bledger line (\d+)\b/g, (words, line) =>
    lines.has(Number(line)) ? `<a href="#line-${line}">${words}</a>` : words,
  )

/** Dates stay in one piece. */
const dated = (text: string): string =>
  safe(text).replace(/\d{4}-\d\d-\d\d(?![-\w])/g, '<time>$&</time>')

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

// controls and marks that reorder text would make the page say something else than its bytes
const safe = (text: string): string =>
  text
    .replace(/[\p{Cc}\p{Bidi_Control}]/gu, ' ')
    .replace(/[&<>"']/g, (char) => entities[char] ?? char)

/**
 * The story as one HTML file: no scripts, no network, light and dark, made for print and for phones.
 * All text is escaped, and a content security policy keeps the page from loading anything.
 */
import type { Block, Cell, Story } from './block.ts'

const style = `
:root { color-scheme: light dark; --line: #d0d7de; --soft: #f3f5f7; --text: #1c2128;
  --met: #116329; --missed: #a40e26; --unproven: #7a4d00; }
@media (prefers-color-scheme: dark) { :root { --line: #3d444d; --soft: #20262d; --text: #e6edf3;
  --met: #57d27d; --missed: #ff8e87; --unproven: #e8b54a; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1.5rem 1rem 4rem; max-width: 62rem; color: var(--text);
  font: 1rem/1.55 system-ui, sans-serif; overflow-wrap: anywhere; }
h1 { font-size: 1.6rem; line-height: 1.25; margin: 0 0 .75rem; }
h2 { font-size: 1.15rem; margin: 2.25rem 0 .6rem; }
.lead { border: 1px solid var(--line); border-left: .4rem solid currentColor; border-radius: .4rem;
  padding: .8rem 1rem; margin: 0; font-size: 1.1rem; font-weight: 600; }
.met { color: var(--met); } .missed { color: var(--missed); } .unproven { color: var(--unproven); }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { text-align: left; vertical-align: top; padding: .4rem .7rem .4rem 0;
  border-bottom: 1px solid var(--line); overflow-wrap: normal; }
th { font-weight: 600; white-space: nowrap; }
td strong { white-space: nowrap; }
pre { background: var(--soft); border-radius: .4rem; padding: .7rem .9rem; overflow-x: auto;
  font: .85rem/1.45 ui-monospace, monospace; }
ul { padding-left: 1.2rem; }
@media print { body { max-width: none; padding: 0; font-size: 10pt; }
  h2 { break-after: avoid; } tr, pre { break-inside: avoid; } .scroll, pre { overflow: visible; }
  pre { white-space: pre-wrap; } }
`

const marks = { met: '✓ met', missed: '✗ missed', unproven: '? unproven' } as const

export function toHtml(story: Story): string {
  const body = story.sections.map(
    ({ heading, blocks }) =>
      `<section>\n<h2>${safe(heading)}</h2>\n${blocks.map(toBlock).join('\n')}\n</section>`,
  )
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${safe(story.title)}: ${story.verdict}</title>
<style>${style}</style>
</head>
<body>
<main>
<h1>${safe(story.title)}</h1>
<p class="lead ${story.verdict}">${marks[story.verdict]}: ${safe(story.lead)}</p>
${body.join('\n')}
</main>
</body>
</html>
`
}

function toBlock(block: Block): string {
  switch (block.kind) {
    case 'paragraph':
      return `<p>${safe(block.text)}</p>`
    case 'list':
      return `<ul>\n${block.items.map((item) => `<li>${safe(item)}</li>`).join('\n')}\n</ul>`
    case 'lines':
      return `<pre>${block.lines.map(safe).join('\n')}</pre>`
    case 'table': {
      const head = block.columns.map((name) => `<th scope="col">${safe(name)}</th>`).join('')
      const rows = block.rows.map((cells) => `<tr>${cells.map(toCell).join('')}</tr>`)
      return `<div class="scroll"><table>\n<thead><tr>${head}</tr></thead>\n<tbody>\n${rows.join('\n')}\n</tbody>\n</table></div>`
    }
    default:
      return block satisfies never
  }
}

const toCell = (cell: Cell): string =>
  typeof cell === 'string'
    ? `<td>${safe(cell)}</td>`
    : `<td><strong class="${cell.verdict}">${marks[cell.verdict]}</strong></td>`

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

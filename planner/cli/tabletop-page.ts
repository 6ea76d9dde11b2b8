/** `tabletop … --out DIR`: what was simulated as a page with charts, and as Markdown. */
import * as path from 'node:path'
import { replaceFile } from '../../engine/index.ts'
import type { Plan } from '../plan/plan.ts'
import { createRedactor } from '../plan/secret.ts'
import type { Story } from '../report/block.ts'
import type { Context } from './context.ts'
import { shownPath } from './shown-path.ts'

/** @param name of the files: `tabletop-region-loss` @returns where they are */
export async function writeTabletop(
  context: Context,
  { secrets }: Plan,
  directory: string,
  name: string,
  story: Story,
): Promise<{ readonly html: string; readonly markdown: string }> {
  const { disk } = context.io
  const [{ drawnHtml }, { toMarkdown }, { makeDurableDirectory }] = await Promise.all([
    import('../report/report.ts'),
    import('../report/markdown.ts'),
    import('../ledger/durable-directory.ts'),
  ])
  const redact = createRedactor(secrets)
  const paths = {
    html: path.join(directory, `${name}.html`),
    markdown: path.join(directory, `${name}.md`),
  }
  await makeDurableDirectory(disk, directory)
  await replaceFile(disk, paths.html, Buffer.from(redact(await drawnHtml(story))))
  await replaceFile(disk, paths.markdown, Buffer.from(redact(toMarkdown(story))))
  await context.confirm(`page: ${shownPath(paths.html)}`)
  return paths
}

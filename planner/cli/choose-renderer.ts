/** How a run is shown: a tree on a terminal, JSON lines with `--json`, plain lines elsewhere. */
import type { Renderer, Screen } from '../run/renderer.ts'
import type { Context } from './context.ts'
import type { Output } from './io.ts'

export async function chooseRenderer({ io, json, quiet }: Context): Promise<Renderer> {
  if (json) {
    const { renderJson } = await import('../run/render-json.ts')
    return renderJson(screenOn(io.stdout), io.clock)
  }
  if (quiet) return { observe: () => {}, aside: (act) => act(), close: async () => {} }
  const screen = screenOn(io.stderr)
  // a terminal that does not know its width gets a character a line from a drawing
  if (io.stderr.isTerminal && io.stderr.columns > 0) {
    const { renderTree } = await import('../run/render-tree.ts')
    return renderTree(screen, () => io.clock.monotonicMs())
  }
  const { renderLines } = await import('../run/render-lines.ts')
  return renderLines(screen, io.clock)
}

/** Drawing is not waited for, and a screen that cannot be written is no reason to stop a run. */
const screenOn = (output: Output): Screen => ({
  write: (text) => void output.write(text).catch(() => {}),
  get columns() {
    return output.columns
  },
  get rows() {
    return output.rows
  },
})

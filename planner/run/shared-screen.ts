/**
 * A screen on which a tree is drawn and, at times, a person is asked.
 *
 * listr2 draws a frame by erasing the one before and writing the next below, in one write. While
 * somebody is asked, frames are left out; the first one afterwards erases nothing and so begins below
 * the question and its answer, which stay.
 */
import type { Screen } from './renderer.ts'

export interface SharedScreen extends Screen {
  aside<T>(act: () => Promise<T>): Promise<T>
}

// erase the line, cursor up, cursor to the left; at the start of a frame
// biome-ignore lint/suspicious/noControlCharactersInRegex: that is what terminals obey
const erasing = /^(?:\u001b\[2K|\u001b\[1A|\u001b\[G)+/
const showCursor = '\u001b[?25h'

export function shareScreen(screen: Screen): SharedScreen {
  let asking = 0
  let isAbove = true
  return {
    get columns() {
      return screen.columns
    },
    get rows() {
      return screen.rows
    },
    write(text) {
      if (asking > 0) return
      const isFrame = erasing.test(text)
      screen.write(isFrame && !isAbove ? text.replace(erasing, '') : text)
      if (isFrame) isAbove = true
    },
    async aside(act) {
      asking += 1
      screen.write(showCursor)
      try {
        return await act()
      } finally {
        asking -= 1
        isAbove = false
      }
    },
  }
}

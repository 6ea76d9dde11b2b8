/**
 * Charts as SVG, drawn without a browser: same chart, same bytes, whatever was drawn before and whatever
 * the time zone of the machine.
 *
 * Colours are names: the picture takes them from the page (`--text`, `--met`, …), so that it follows light and
 * dark and what is printed. Nothing moves and nothing listens.
 */
import { BarChart, CustomChart, HeatmapChart, LineChart, ScatterChart } from 'echarts/charts'
import {
  AriaComponent,
  GridComponent,
  LegendComponent,
  MarkAreaComponent,
  MarkLineComponent,
} from 'echarts/components'
import { init, use } from 'echarts/core'
import { SVGRenderer } from 'echarts/renderers'
import type { Chart } from './chart.ts'
import { colours } from './colours.ts'

use([
  BarChart,
  CustomChart,
  HeatmapChart,
  LineChart,
  ScatterChart,
  AriaComponent,
  GridComponent,
  LegendComponent,
  MarkAreaComponent,
  MarkLineComponent,
  SVGRenderer,
])

/**
 * An `<svg>` element that is as wide as its place.
 * @param id of the element; unique on its page, as what it refers to inside is named after it
 */
export function drawChart({ title, description, widthPx, heightPx, option }: Chart, id: string) {
  const drawing = init(null, null, { renderer: 'svg', ssr: true, width: widthPx, height: heightPx })
  try {
    drawing.setOption({
      animation: false,
      useUTC: true,
      textStyle: { fontFamily: 'system-ui, sans-serif', fontSize: 12, color: colours.text },
      ...option,
    })
    return toPage(drawing.renderToSVGString(), { title, description, widthPx, heightPx }, id)
  } finally {
    drawing.dispose()
  }
}

function toPage(
  svg: string,
  { title, description, widthPx, heightPx }: Omit<Chart, 'option'>,
  id: string,
): string {
  const names = new Map<string, string>(
    Object.entries(colours).map(([name, colour]) => [colour, name]),
  )
  const inside = svg
    .slice(svg.indexOf('>') + 1)
    // what the library counts through the life of a process
    .replace(/(\bid="|url\(#|href="#)zr\d+-/g, `$1${id}-`)
    .replace(/<style\b.*?<\/style>/gs, '')
    .replace(/ class="[^"]*"| pointer-events="[^"]*"/g, '')
    .replace(/"(#0[0-9a-f]{5})"/g, (whole, colour) =>
      names.has(colour) ? `"var(--${names.get(colour)})"` : whole,
    )
    .replace(/style="([^"]*)"/g, (_, style: string) => {
      const named = style.replace(/#0[0-9a-f]{5}/g, (colour) =>
        names.has(colour) ? `var(--${names.get(colour)})` : colour,
      )
      return `style="${named}"`
    })
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${widthPx} ${heightPx}" role="img" aria-labelledby="${id}-title ${id}-text">
<title id="${id}-title">${safe(title)}</title>
<desc id="${id}-text">${safe(description)}</desc>${inside}`
}

const entities: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;' }

const safe = (text: string): string => text.replace(/[&<>]/g, (char) => entities[char] ?? char)

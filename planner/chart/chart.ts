/** A chart before it is drawn. The table beneath it holds its numbers; the description tells what it shows. */
import type { EChartsCoreOption } from 'echarts/core'

export interface Chart {
  readonly title: string
  /** What a reader without eyes learns from it, in sentences. */
  readonly description: string
  readonly widthPx: number
  readonly heightPx: number
  readonly option: EChartsCoreOption
}

/** All charts are drawn for a column of this width, and shrink with it. */
export const chartWidthPx = 920

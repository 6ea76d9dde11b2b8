/**
 * The colours of charts, by the name that the page knows them under (`--NAME`). The values only mark them
 * inside a drawing: no two are alike, and none is seen.
 */
export const colours = {
  text: '#010101',
  muted: '#020202',
  line: '#030303',
  page: '#040404',
  met: '#050505',
  missed: '#060606',
  unproven: '#070707',
  soft: '#080808',
  series1: '#0a0a01',
  series2: '#0a0a02',
  series3: '#0a0a03',
  series4: '#0a0a04',
  series5: '#0a0a05',
  series6: '#0a0a06',
  series7: '#0a0a07',
  series8: '#0a0a08',
  series9: '#0a0a09',
} as const

/** For what stands side by side, in this order. */
export const seriesColours = [
  colours.series1,
  colours.series2,
  colours.series3,
  colours.series4,
  colours.series5,
  colours.series6,
  colours.series7,
  colours.series8,
  colours.series9,
] as const

export const seriesColour = (index: number): string =>
  seriesColours[index % seriesColours.length] ?? colours.text

import { describe, expect, it } from 'vitest'
import { renderPairs, renderTable } from '../../../engine/cli/table.ts'

const columns = [{ title: 'name' }, { title: 'points', align: 'right' }] as const

describe('renderTable', () => {
  it('aligns columns and leaves no spaces at the end of a line', () => {
    const rows = [
      ['a', '10000'],
      ['products', '7'],
    ]
    expect(renderTable(columns, rows)).toBe(
      'name      points\na          10000\nproducts       7\n',
    )
    expect(renderTable([{ title: 'id' }, { title: 'note' }], [['x', '']])).toBe('id  note\nx\n')
  })

  it('cuts lines to the width of the terminal', () => {
    expect(renderTable(columns, [['products', '7']], 10)).toBe('name     …\nproducts …\n')
  })

  it('writes what a terminal would obey as text', () => {
    const table = renderTable([{ title: 'id' }], [['a\u001b[2Jb\nc\u202ed']])
    expect(table).toBe('id\na\\u001b[2Jb\\u000ac\\u202ed\n')
  })
})

describe('renderPairs', () => {
  it('aligns the values', () => {
    expect(
      renderPairs([
        ['name', 'a'],
        ['dimension', '3'],
      ]),
    ).toBe('name       a\ndimension  3\n')
  })
})

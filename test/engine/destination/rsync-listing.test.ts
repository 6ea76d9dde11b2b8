import { describe, expect, it } from 'vitest'
import { isLinked, parseChange, parseListed } from '../../../engine/destination/rsync-listing.ts'

const latin1 = (text: string) => Buffer.from(text).toString('latin1')

describe('parseListed', () => {
  it.each([
    ['-rw-r--r--          12 2026/11/26 18:03:17 objects/aa/one', 'file', 'objects/aa/one', 12],
    ['-rw-r-----+  1,234,567 2026/11/26 18:03:17 x', 'file', 'x', 1_234_567],
    ['drwxr-xr-x       4,096 2026/11/26 18:03:17 .', 'directory', '.', 4_096],
    ['lrwxrwxrwx           4 2026/11/26 18:03:17 lnk -> /etc', 'link', 'lnk', 4],
    ['prw-r--r--           0 2026/11/26 18:03:17 pipe', 'other', 'pipe', 0],
    ['-rw-r--r--           1 2026/11/26 18:03:17  two  spaces ', 'file', ' two  spaces ', 1],
    [`-rw-r--r--           1 2026/11/26 18:03:17 ${latin1('日本/ü')}`, 'file', '日本/ü', 1],
    ['-rw-r--r--           1 2026/11/26 18:03:17 a\\#012b\\#134#012', 'file', 'a\nb\\#012', 1],
  ])('reads %j', (line, kind, name, sizeBytes) => {
    const modifiedAt = Date.UTC(2026, 10, 26, 18, 3, 17)
    expect(parseListed(line)).toEqual({ kind, name, sizeBytes, modifiedAt })
  })

  it.each(['', 'created directory /srv/b', 'receiving file list ... done'])(
    'passes over %j',
    (line) => {
      expect(parseListed(line)).toBeUndefined()
    },
  )
})

describe('parseChange', () => {
  it('tells what was linked from what was sent, and both from other lines', () => {
    const linked = parseChange('hf          objects/aa/one')
    expect(linked).toEqual({ item: 'hf         ', name: 'objects/aa/one' })
    expect(linked && isLinked(linked)).toBe(true)
    const sent = parseChange(`<f+++++++++ ${latin1('ü')}`)
    expect(sent?.name).toBe('ü')
    expect(sent && isLinked(sent)).toBe(false)
    const made = parseChange('cd          objects/')
    expect(made && isLinked(made)).toBe(false)
    expect(parseChange('created directory hf')).toBeUndefined()
    expect(parseChange('')).toBeUndefined()
  })
})

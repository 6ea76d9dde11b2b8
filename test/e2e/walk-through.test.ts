import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { test } from 'vitest'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { walkThrough } from '../support/walk-through.ts'
import { wordsDirectory } from '../support/words.ts'

test.each([false, true])(
  'the walk-through on 10,000 words ends where it began, served: %s',
  async (served) => {
    const words = fileURLToPath(wordsDirectory)
    await walkThrough({
      root: await temporaryDirectory(),
      collection: 'products',
      importArguments: `${join(words, 'words-10k.f32')} --dimension 100 --metadata ${join(words, 'words-10k.jsonl')}`,
      count: 10_000,
      ids: served ? ['zurich'] : ['computer', 'zurich', 'the'],
      served,
    })
  },
)

// A process to be killed: writes for ever through the built engine, telling what was acknowledged.
//
//   node writer.mjs DATA SEED    prints "A <lsn> <batch>" after each acknowledgement
//
// Batch b holds the points `<b>-0` … `<b>-4`, all with vectors made from b; every third batch deletes
// the whole batch three before it; every fortieth one is a checkpoint. One in six is large, so that the log is soon long enough for room
// at its end.
import { writeSync } from 'node:fs'
// not the door to the whole engine: loading what no writer needs takes longer than writing
import { openDataDirectory } from '../../dist/engine/collection/data-directory.js'
import { makeConfig } from '../../dist/engine/format/config.js'

const [path, first] = process.argv.slice(2)
const data = await openDataDirectory(path, { create: true })
const items = data.has('items')
  ? await data.open('items')
  : await data.create('items', makeConfig({ dimension: 16, metric: 'l2' }))
const tell = (line) => writeSync(1, `${line}\n`)
tell('R')
const filler = 'x'.repeat(8000)
const run = async (batch) => {
  const ids = (of) => Array.from({ length: 5 }, (_, i) => `${of}-${i}`)
  const points = ids(batch).map((id, i) => ({
    id,
    vector: Array.from({ length: 16 }, (_, d) => batch + i / 8 + d / 64),
    metadata: { batch, filler: filler.slice(0, batch % 6 === 0 ? 8000 : 0) },
  }))
  const { lsn } = await items.upsert(points)
  tell(`A ${lsn} ${batch}`)
  if (batch % 3 === 0 && batch >= 3) {
    tell(`d ${batch - 3}`)
    await items.delete(ids(batch - 3))
    tell(`D ${batch - 3}`)
  }
  if (batch % 40 === 0) await items.checkpoint()
}
for (let batch = Number(first); ; batch += 4) {
  await Promise.all([0, 1, 2, 3].map((offset) => run(batch + offset)))
}

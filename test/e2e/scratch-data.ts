/** Data for tests that are about commands: little of it, under the names that the plans of the project use. */
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const project = fileURLToPath(new URL('../..', import.meta.url))

/** Points with the ids that searches of the plans ask for. */
export const pointLines = [
  'laptop',
  'money',
  ...Array.from({ length: 40 }, (_, index) => `word-${index}`),
]
  .map((id, index) => ({
    id,
    vector: Array.from({ length: 100 }, (_, at) => Math.sin(index + at * (1 + index / 50))),
  }))
  .map((point) => `${JSON.stringify(point)}\n`)
  .join('')

/** The first words of the project's data, and the two files beside them whole: building an index costs time. */
export async function cutWords(directory: string): Promise<void> {
  const words = 300
  const from = (name: string) => join(project, 'plans/data/words', name)
  await mkdir(directory, { recursive: true })
  const vectors = await readFile(from('words-10k.f32'))
  await writeFile(join(directory, 'words-10k.f32'), vectors.subarray(0, words * 100 * 4))
  const lines = (await readFile(from('words-10k.jsonl'), 'utf8')).split('\n').slice(0, words)
  await writeFile(join(directory, 'words-10k.jsonl'), `${lines.join('\n')}\n`)
  for (const name of ['laptop.jsonl', 'queries-100.f32'])
    await cp(from(name), join(directory, name))
}

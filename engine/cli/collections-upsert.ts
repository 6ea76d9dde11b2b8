/** `collections upsert NAME --id ID --vector '[…]'` and `collections upsert NAME -` */
import type { Command } from 'commander'
import { fail } from '../base/errors.ts'
import { tellImport, worldOf } from './collections-import.ts'
import type { Context } from './context.ts'
import { type OpenCollection, withCollection } from './open-directory.ts'
import { parseId, parseJson, parseVector, showId } from './option.ts'
import { examples, type Runner } from './runner.ts'

interface UpsertOptions {
  readonly id?: string
  readonly vector?: string
  readonly metadata?: string
}

export function addUpsert(collections: Command, run: Runner): void {
  collections
    .command('upsert')
    .description('write one point, or the points of standard input (JSONL), into a collection')
    .argument('<name>', 'collection that exists')
    .argument('[source]', '- reads JSONL from standard input')
    .option('--id <id>', 'digits are an integer id; quote as JSON for text: \'"42"\'')
    .option('--vector <json>', "the vector as JSON: '[0.1, 0.2]'")
    .option('--metadata <json>', 'metadata as a JSON object (default: none)')
    .addHelpText(
      'after',
      examples(
        `collections upsert products --id sku-17 --vector '[0.1, 0.9]' --metadata '{"stock": 3}'`,
        'collections upsert products - < changes.jsonl',
      ),
    )
    .action(run(upsert))
}

async function upsert(
  context: Context,
  name: string,
  source: string | undefined,
  options: UpsertOptions,
) {
  const { id, vector, metadata } = options
  if (source === undefined) {
    const hint = `Write --id ID --vector '[…]', or - to read JSONL from standard input.`
    if (id === undefined || vector === undefined) {
      return fail(
        'usage',
        `there is no point to upsert: ${id === undefined ? '--id' : '--vector'} is missing`,
        hint,
      )
    }
    const point = { id: parseId(id), vector: parseVector(vector), ...parseMetadata(metadata) }
    return withCollection(context, 'use', name, async (collection) => {
      const { lsn } = await collection.upsert([point])
      await context.confirm(`upserted ${showId(point.id)} into ${name}`)
      return { name, lsn, points: 1 }
    })
  }
  if (source !== '-' || id !== undefined || vector !== undefined || metadata !== undefined) {
    return fail(
      'usage',
      'upsert takes either one point as options or - for standard input',
      'To load a file use: vectra-cli collections import NAME FILE.',
    )
  }
  return withCollection(context, 'use', name, (collection) =>
    fromStandardInput(context, name, collection),
  )
}

async function fromStandardInput(context: Context, name: string, collection: OpenCollection) {
  const { streamSource } = await import('../transfer/byte-source.ts')
  const { importPoints } = await import('../transfer/import-points.ts')
  const source = streamSource('standard input', context.io.stdin)
  const result = await importPoints(collection, { source, format: 'jsonl', ...worldOf(context) })
  return tellImport(context, name, result)
}

function parseMetadata(text: string | undefined): { metadata?: unknown } {
  if (text === undefined) return {}
  return {
    metadata: parseJson(text, '--metadata', `Write a JSON object: --metadata '{"stock": 3}'.`),
  }
}

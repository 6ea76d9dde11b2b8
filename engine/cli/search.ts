/** `search NAME --vector '[…]' | --like ID` */
import type { Command } from 'commander'
import { fail } from '../base/errors.ts'
import { defaults, limits } from '../base/limits.ts'
import type { Neighbour } from '../collection/search.ts'
import type { PointId } from '../format/point.ts'
import type { Context } from './context.ts'
import { type OpenCollection, withCollection } from './open-directory.ts'
import { integer, parseId, parseJson, parseVector, showId } from './option.ts'
import { examples, type Runner } from './runner.ts'
import { renderTable } from './table.ts'

export interface QueryFlags {
  readonly vector?: string
  readonly like?: string
  readonly k?: number
  readonly ef?: number
  readonly nprobe?: number
  readonly filter?: string
  readonly exact?: boolean
}

/** Adds the command. */
export function addSearch(program: Command, run: Runner): void {
  const command = program
    .command('search')
    .description('the nearest points to a vector, nearest first')
    .argument('<name>', 'collection')
  addQueryOptions(command)
    .addHelpText(
      'after',
      `\nDistance is 1 - cosine, Euclidean, or 1 - dot product, by the metric of the collection.\n${examples(
        'search words --like laptop -k 5',
        `search products --vector '[0.12, 0.5, -0.3]' --filter '{"brand": "acme"}'`,
        `search products --like '"42"' --exact --json`,
      )}`,
    )
    .action(run(search))
}

/** What is searched for, and how. */
export const addQueryOptions = (command: Command): Command =>
  command
    .option('--vector <json>', "the query as JSON: '[0.1, 0.2]'")
    .option('--like <id>', 'search by the vector of a stored point, without that point itself')
    .option('-k <n>', 'how many (default: 10)', integer(1, limits.searchK))
    .option(
      '--ef <n>',
      "beam of the search (default: the collection's)",
      integer(1, limits.searchEf),
    )
    .option(
      '--nprobe <n>',
      "ivf: lists that the search looks into (default: the collection's)",
      integer(1, limits.ivfLists),
    )
    .option('--filter <json>', 'only points whose metadata fits: \'{"year": {"gte": 2020}}\'')
    .option('--exact', 'compare with every point, no index')

/** What asks a collection what the flags say. @throws `usage`, `invalid-filter` for flags that say nothing */
export async function readQuery(
  flags: QueryFlags,
): Promise<(collection: OpenCollection) => Promise<Neighbour[]>> {
  const { parseFilter } = await import('../collection/filter.ts')
  if ((flags.vector === undefined) === (flags.like === undefined)) {
    fail('usage', 'search takes either --vector or --like', "Write --vector '[…]' or --like ID.")
  }
  const filterHint = `Write JSON in quotes: --filter '{"field": "value"}'.`
  const options = {
    k: flags.k ?? defaults.k,
    ...(flags.ef !== undefined && { ef: flags.ef }),
    ...(flags.nprobe !== undefined && { nprobe: flags.nprobe }),
    ...(flags.exact === true && { exact: true }),
    ...(flags.filter !== undefined && {
      filter: parseFilter(parseJson(flags.filter, '--filter', filterHint)),
    }),
  }
  const given = flags.vector === undefined ? undefined : parseVector(flags.vector)
  const like = flags.like === undefined ? undefined : parseId(flags.like)
  return async (collection) =>
    like === undefined
      ? collection.search(given, options)
      : collection.search(await vectorOf(collection, like), { ...options, exclude: like })
}

async function search(context: Context, name: string, flags: QueryFlags) {
  const query = await readQuery(flags)
  return withCollection(context, 'look', name, async (collection) => {
    const neighbours = await query(collection)
    for (const { id, distance, metadata } of neighbours) {
      await context.emit({ id, distance, metadata })
    }
    await context.print(show(neighbours, context))
    return { name, neighbours: neighbours.length }
  })
}

async function vectorOf(collection: OpenCollection, id: PointId): Promise<Float32Array> {
  const point = await collection.get(id)
  if (point !== undefined) return point.vector
  const hint =
    typeof id === 'number'
      ? `Digits mean an integer id; for text write --like '"${id}"'.`
      : 'Check the spelling; ids are case-sensitive.'
  return fail('point-not-found', `${collection.name} has no point ${showId(id)}`, hint)
}

function show(neighbours: readonly Neighbour[], { io }: Context): string {
  return renderTable(
    [{ title: 'distance', align: 'right' }, { title: 'id' }, { title: 'metadata' }],
    neighbours.map(({ id, distance, metadata }) => [
      distance.toFixed(6),
      showId(id),
      Object.keys(metadata).length === 0 ? '' : JSON.stringify(metadata),
    ]),
    io.stdout.isTerminal ? io.stdout.columns : 0,
  )
}

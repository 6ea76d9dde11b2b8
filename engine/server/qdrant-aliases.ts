/** Aliases in Qdrant's shapes. The actions of one request are one step: all or none, seen at once. */
import { fail } from '../base/errors.ts'
import type { AliasChange } from '../collection/aliases.ts'
import { closed, flag, ignoredQuery, listOf, qdrantRoute, text } from './qdrant-shapes.ts'
import type { Route, Served } from './route.ts'

const alias = closed({ alias_name: text, collection_name: text })
const changeBody = closed(
  {
    actions: listOf({
      type: 'object',
      minProperties: 1,
      maxProperties: 1,
      additionalProperties: false,
      properties: {
        create_alias: closed({ collection_name: text, alias_name: text }, [
          'collection_name',
          'alias_name',
        ]),
        delete_alias: closed({ alias_name: text }, ['alias_name']),
        rename_alias: closed({ old_alias_name: text, new_alias_name: text }, [
          'old_alias_name',
          'new_alias_name',
        ]),
      },
    }),
  },
  ['actions'],
)

type Action =
  | { readonly create_alias: { readonly collection_name: string; readonly alias_name: string } }
  | { readonly delete_alias: { readonly alias_name: string } }
  | { readonly rename_alias: { readonly old_alias_name: string; readonly new_alias_name: string } }

/** See the head of this file. */
export function qdrantAliases(served: Served): Route[] {
  const { aliases } = served.directory
  const shown = () =>
    aliases.list().map((each) => ({ alias_name: each.alias, collection_name: each.collection }))
  const answer = closed({ aliases: listOf(alias) })
  return [
    qdrantRoute(
      served,
      {
        method: 'POST',
        path: '/collections/aliases',
        query: { timeout: ignoredQuery.timeout },
        summary: 'Creates, deletes and renames aliases, all in one step.',
        body: changeBody,
        answer: flag,
        writes: true,
      },
      async ({ body }) => {
        const { actions } = body as { actions: readonly Action[] } // checked against changeBody
        await aliases.change(actions.flatMap((action) => toChanges(action, aliases)))
        return true
      },
    ),
    qdrantRoute(
      served,
      { method: 'GET', path: '/aliases', summary: 'All aliases.', answer },
      async () => ({ aliases: shown() }),
    ),
    qdrantRoute(
      served,
      {
        method: 'GET',
        path: '/collections/:name/aliases',
        summary: 'The aliases of a collection.',
        answer,
      },
      async ({ params: { name = '' } }) => {
        const { name: own } = await served.directory.open(name)
        return { aliases: shown().filter(({ collection_name: each }) => each === own) }
      },
    ),
  ]
}

function toChanges(action: Action, aliases: Served['directory']['aliases']): AliasChange[] {
  if ('create_alias' in action) {
    const { alias_name, collection_name } = action.create_alias
    return [{ kind: 'set', alias: alias_name, collection: collection_name }]
  }
  if ('delete_alias' in action) return [{ kind: 'delete', alias: action.delete_alias.alias_name }]
  const { old_alias_name: old, new_alias_name: alias } = action.rename_alias
  const collection = aliases.resolve(old)
  if (collection === old) {
    fail('name-not-found', `there is no alias ${JSON.stringify(old)}`, 'See them at /aliases.')
  }
  return [
    { kind: 'delete', alias: old },
    { kind: 'set', alias, collection },
  ]
}

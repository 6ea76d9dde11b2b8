/**
 * `/openapi.json`: the routes as an OpenAPI 3.1 document, made of the very values that are served, so that it
 * says what is checked. Everything is answered with `Error` when it fails.
 */
import { version } from '../base/version.ts'
import { json, type Route, type Schema } from './route.ts'

/** The document, and the route that serves it, which stands in it too. */
export function openApiRoute(routes: readonly Route[]): Route {
  const route: Route = {
    method: 'GET',
    path: '/openapi.json',
    tag: 'Service',
    summary: 'This document.',
    answer: { type: 'object' },
    handle: async () => json(document),
  }
  const document = toOpenApi([...routes, route])
  return route
}

/** Plain JSON. */
export function toOpenApi(routes: readonly Route[]): object {
  const paths: Record<string, Record<string, object>> = {}
  for (const route of routes) {
    const path = route.path.replace(/:(\w+)/g, '{$1}')
    paths[path] = { ...paths[path], [route.method.toLowerCase()]: toOperation(route) }
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Vectra DR engine',
      version,
      description:
        'Collections, points, search, aliases and snapshots in the shapes of Qdrant; all else below /vectra/v1/. ' +
        'A body may hold null for what it leaves out; what is not listed is refused.',
    },
    security: [{ bearer: [] }, { apiKey: [] }],
    components: {
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer' },
        apiKey: { type: 'apiKey', in: 'header', name: 'api-key' },
      },
      schemas: { Error: error },
    },
    paths,
  }
}

const error: Schema = {
  type: 'object',
  required: ['status', 'time'],
  properties: {
    status: {
      type: 'object',
      required: ['error'],
      properties: { error: { type: 'string', description: 'what happened, and what to do next' } },
    },
    time: { type: 'number', description: 'seconds' },
    vectra: {
      type: 'object',
      description: 'the same for programs: a stable code, and the exit code of vectra-cli',
      required: ['code', 'message', 'hint', 'exitCode'],
      properties: {
        code: { type: 'string' },
        message: { type: 'string' },
        hint: { type: 'string' },
        exitCode: { type: 'integer' },
      },
    },
  },
}

function toOperation(route: Route): object {
  const { method, path, tag, summary, query = {}, body, bodyOptional = false, open } = route
  const names = [...path.matchAll(/:(\w+)/g)].map(([, name = '']) => name)
  const text = { schema: { type: 'string' } }
  const parameters = [
    ...names.map((name) => ({ name, in: 'path', required: true, ...text })),
    ...Object.entries(query).map(([name, description]) => ({
      name,
      in: 'query',
      description,
      ...text,
    })),
  ]
  return {
    operationId: [method.toLowerCase(), ...path.split(/[^\w]+/).filter((part) => part !== '')].join(
      '_',
    ),
    tags: [tag],
    summary,
    ...(open === true && { security: [] }),
    ...(parameters.length > 0 && { parameters }),
    ...(body !== undefined && {
      requestBody: {
        required: !bodyOptional,
        content:
          body === 'stream'
            ? { 'application/octet-stream': {} }
            : { 'application/json': { schema: body } },
      },
    }),
    responses: {
      [route.status ?? 200]: { description: 'done', content: contentOf(route) },
      default: {
        description: 'it failed',
        content: { 'application/json': { schema: { $ref: '#/components/schemas/Error' } } },
      },
    },
  }
}

function contentOf({ answer, answerType = 'application/json' }: Route): object {
  return { [answerType]: answer === undefined ? {} : { schema: answer } }
}

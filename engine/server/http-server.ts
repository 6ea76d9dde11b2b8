/**
 * Routes served over HTTP, and the only file that knows the framework. In front of each handler stand the
 * bounds of time and size, the admission, the check of the body against its schema; behind it the answer, or
 * the one shape in which failures are told.
 */
import * as http from 'node:http'
import * as https from 'node:https'
import { isIP } from 'node:net'
import { Readable } from 'node:stream'
import fastify, {
  type FastifyError,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
} from 'fastify'
import { fail, OperatingError } from '../base/errors.ts'
import { limits } from '../base/limits.ts'
import { Admission, type AdmissionRules, type ListenAddress } from './admission.ts'
import { bodyProblem } from './body-problem.ts'
import { boundedStream } from './bounded-stream.ts'
import { toErrorAnswer } from './error-answer.ts'
import { fromFramework, refuseConnection } from './framework-error.ts'
import { OpenConnections } from './open-connections.ts'
import { parseBody, RequestBodies, tooLarge } from './request-body.ts'
import { whenOver } from './request-over.ts'
import type { Answer, Route, RouteRequest, Served } from './route.ts'
import { withoutNulls } from './without-nulls.ts'

/** Bounds that a test makes small. */
export interface HttpBounds {
  readonly headersMs: number
  readonly requestMs: number
  readonly connectionCheckMs: number
  readonly connections: number
  readonly drainMs: number
  /** Bytes of all bodies that are held at once. */
  readonly bodiesBytes: number
}

const usualBounds: HttpBounds = {
  headersMs: limits.requestHeadersMs,
  requestMs: limits.requestMs,
  connectionCheckMs: limits.connectionCheckMs,
  connections: limits.connections,
  drainMs: limits.drainMs,
  bodiesBytes: limits.requestBodiesBytes,
}

export interface HttpServerOptions {
  readonly listen: ListenAddress
  readonly rules: AdmissionRules
  readonly tls?: { readonly cert: Buffer; readonly key: Buffer } | undefined
  readonly bounds?: Partial<HttpBounds> | undefined
  /** Told of each answer: its route, status and time. */
  readonly onAnswer?: (route: string, method: string, status: number, tookMs: number) => void
}

export interface HttpServer {
  /** `http://127.0.0.1:7700` */
  readonly url: string
  /**
   * Begins nothing more and waits for the requests under way, at most `drainMs` in all; those that
   * `answersLast` are answered meanwhile, and ended by `last`.
   */
  close(last?: () => Promise<void>): Promise<void>
}

/** Serves `routes`. @throws `unreachable` when the address cannot be had; `usage` for a bad certificate */
export async function openHttpServer(
  routes: readonly Route[],
  served: Served,
  options: HttpServerOptions,
): Promise<HttpServer> {
  const bounds = { ...usualBounds, ...options.bounds }
  const { listen, tls } = options
  const app = makeApp(bounds, tls, (error, request, reply) => server.tell(error, request, reply))
  const server = new HttpRoutes(app, served, bounds, options)
  const connections = new OpenConnections(app.server)
  server.add(routes)
  try {
    await app.listen({ host: listen.host, port: listen.port })
  } catch (error) {
    await app.close()
    const { code, message } = error as NodeJS.ErrnoException // listen fails with a system error
    fail(
      'unreachable',
      `${listen.host}:${listen.port} cannot be served: ${code ?? message}`,
      'Choose another address with --listen HOST:PORT, or stop what uses it.',
    )
  }
  const address = app.server.address()
  const port = typeof address === 'object' && address !== null ? address.port : listen.port
  const host = isIP(listen.host) === 6 ? `[${listen.host}]` : listen.host
  return {
    url: `${tls ? 'https' : 'http'}://${host}:${port}`,
    async close(last = async () => {}) {
      const cancel = served.timer.after(bounds.drainMs, () => app.server.closeAllConnections())
      try {
        await server.drained()
        await last()
        const closed = app.close()
        connections.end()
        await closed
      } finally {
        cancel()
      }
    },
  }
}

type Tell = (error: FastifyError, request: FastifyRequest, reply: FastifyReply) => void

function makeApp(bounds: HttpBounds, tls: HttpServerOptions['tls'], tell: Tell): FastifyInstance {
  const app = fastify({
    serverFactory: (handler) => {
      const options = {
        maxHeaderSize: limits.requestHeaderBytes,
        headersTimeout: bounds.headersMs,
        requestTimeout: bounds.requestMs,
        keepAliveTimeout: limits.connectionIdleMs,
        connectionsCheckingInterval: bounds.connectionCheckMs,
        requireHostHeader: false, // told in our own shape, below
      }
      const server = tls
        ? secure({ ...options, ...tls }, handler)
        : http.createServer(options, handler)
      server.maxConnections = bounds.connections
      server.on('checkExpectation', handler) // it may be passed over
      return server
    },
    bodyLimit: limits.requestBodyBytes,
    forceCloseConnections: 'idle',
    return503OnClosing: false, // told in our own shape, below
    clientErrorHandler: refuseConnection,
    frameworkErrors: tell,
    routerOptions: { maxParamLength: 8 * limits.nameLength },
    ajv: {
      // bodies are taken as they are: nothing is converted, removed or filled in
      customOptions: {
        coerceTypes: false,
        removeAdditional: false,
        useDefaults: false,
        allErrors: false,
        allowUnionTypes: true,
      },
    },
  })
  app.removeAllContentTypeParsers()
  return app
}

function secure(options: https.ServerOptions, handler: http.RequestListener): https.Server {
  try {
    return https.createServer({ ...options, minVersion: 'TLSv1.2' }, handler)
  } catch (error) {
    return fail(
      'usage',
      `the certificate or its key cannot be used: ${error instanceof Error ? error.message : ''}`,
      'Give PEM files that belong together with --tls-cert and --tls-key.',
    )
  }
}

/** A request that has begun. */
interface Begun {
  readonly startedMs: number
  readonly answer: http.ServerResponse
}

class HttpRoutes {
  readonly #app: FastifyInstance
  readonly #served: Served
  readonly #admission: Admission
  readonly #bodies: RequestBodies
  readonly #begun = new WeakMap<FastifyRequest, Begun>()
  /** Requests under way, but those that are answered last. */
  #underWay = 0
  #isDrained = false
  #drained = () => {}

  constructor(
    app: FastifyInstance,
    served: Served,
    bounds: HttpBounds,
    options: HttpServerOptions,
  ) {
    this.#app = app
    this.#served = served
    this.#bodies = new RequestBodies(bounds.bodiesBytes)
    this.#admission = new Admission(options.listen, options.rules)
    const { clock } = served
    app.addHook('onRequest', async (request, { raw: answer }) => {
      this.#begun.set(request, { startedMs: clock.monotonicMs(), answer })
      if (request.headers.host === undefined && request.raw.httpVersion === '1.1') {
        fail('usage', 'the request names no host', 'Send the header "Host".')
      }
    })
    app.addHook('onResponse', async (request, reply) => {
      const { url = 'none' } = request.routeOptions
      const tookMs = clock.monotonicMs() - this.#startedMs(request)
      options.onAnswer?.(url, request.method, reply.statusCode, tookMs)
    })
    app.setErrorHandler((error: FastifyError, request, reply) => this.tell(error, request, reply))
    app.setNotFoundHandler((request, reply) => {
      const refusal = this.#admission.refusal(request.headers, false)
      const unknown = new OperatingError(
        'name-not-found',
        `there is nothing at ${request.method} ${request.url.split('?')[0]}`,
        'What there is stands in /openapi.json.',
      )
      return this.tell(refusal ?? unknown, request, reply)
    })
    app.addContentTypeParser(
      'application/json',
      async (request: FastifyRequest, payload: Readable) => this.#read(request, payload),
    )
  }

  async #read(request: FastifyRequest, payload: Readable): Promise<unknown> {
    const maxBytes = request.routeOptions.bodyLimit ?? limits.requestBodyBytes
    if (Number(request.headers['content-length']) > maxBytes) throw tooLarge(maxBytes)
    const begun = this.#begun.get(request)
    const body = await this.#bodies.read(payload, maxBytes, (release) => {
      if (begun !== undefined) whenOver(begun.answer, release)
    })
    return parseBody(body)
  }

  add(routes: readonly Route[]): void {
    const whole = routes.filter(({ body }) => body !== 'stream')
    const streamed = routes.filter(({ body }) => body === 'stream')
    for (const route of whole) this.#add(this.#app, route)
    void this.#app.register((scope, _, done) => {
      scope.removeAllContentTypeParsers()
      scope.addContentTypeParser('*', async (_: FastifyRequest, payload: Readable) => payload)
      for (const route of streamed) this.#add(scope, route)
      done()
    })
  }

  /** Resolves when nothing is under way but what is answered last, which is refused from then on. */
  drained(): Promise<void> {
    return new Promise((resolve) => {
      this.#drained = () => {
        if (this.#underWay > 0) return
        this.#isDrained = true
        resolve()
      }
      this.#drained()
    })
  }

  #add(app: FastifyInstance, route: Route): void {
    const { method, path, body, bodyOptional = false } = route
    const schema = typeof body === 'object' && !bodyOptional ? { schema: { body } } : {}
    app.route({
      method,
      url: path,
      ...schema,
      ...(route.bodyBytes !== undefined && { bodyLimit: route.bodyBytes }),
      // before anything of the body is read
      onRequest: async (request, reply) => {
        if (route.answersLast !== true) this.#count(reply)
        const refusal =
          this.#admission.refusal(request.headers, route.open === true) ??
          this.#ending(route) ??
          (route.writes === true ? this.#served.refuseWrites() : undefined)
        if (refusal !== undefined) throw refusal
      },
      preValidation: async (request) => {
        if (body !== 'stream') request.body = withoutNulls(request.body)
      },
      schemaErrorFormatter: (errors) => bodyProblem(errors),
      handler: async (request, reply) =>
        send(
          reply,
          await route.handle(this.#toRouteRequest(route, request, reply)),
          route.status ?? 200,
        ),
    })
  }

  #toRouteRequest(route: Route, request: FastifyRequest, reply: FastifyReply): RouteRequest {
    const { stopping } = this.#served
    let signal: AbortSignal | undefined
    const params: Readonly<Record<string, string>> = { ...(request.params as object) } // of the router
    return {
      params,
      query: toTexts(request.query),
      headers: request.headers,
      body: route.body === 'stream' ? undefined : request.body,
      get stream() {
        return boundedStream(request.raw, route.bodyBytes ?? limits.requestBodyBytes)
      },
      get signal() {
        signal ??= AbortSignal.any([goneSignal(reply), stopping])
        return signal
      },
      startedMs: this.#startedMs(request),
    }
  }

  #count(reply: FastifyReply): void {
    this.#underWay++
    // also when the client goes before its answer is there
    whenOver(reply.raw, () => {
      this.#underWay--
      this.#drained()
    })
  }

  /** A server that is being stopped begins nothing, but what others under way may wait for. */
  #ending({ open = false, answersLast = false }: Route): unknown {
    const { stopping } = this.#served
    if (!stopping.aborted || open || (answersLast && !this.#isDrained)) return undefined
    return stopping.reason
  }

  #startedMs(request: FastifyRequest): number {
    return this.#begun.get(request)?.startedMs ?? this.#served.clock.monotonicMs()
  }

  /** Answers with what went wrong. */
  tell(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
    const startedMs = this.#startedMs(request)
    const seconds = (this.#served.clock.monotonicMs() - startedMs) / 1_000
    const known = fromFramework(error)
    const { status, body } = toErrorAnswer(known.error, seconds)
    const { code } = known.error as { readonly code?: unknown } // whatever was thrown may have one
    const isGone = code === 'ERR_STREAM_PREMATURE_CLOSE' && reply.raw.destroyed
    if (!(known.error instanceof OperatingError) && !isGone) {
      const stack = known.error instanceof Error ? known.error.stack : String(known.error)
      this.#served.warn(`a bug, at ${request.method} ${request.routeOptions.url}: ${stack}`)
    }
    // what was not read of the body would be taken for the next request
    if (!request.raw.complete || this.#served.stopping.aborted)
      void reply.header('connection', 'close')
    return reply
      .code(known.status ?? status)
      .type(jsonType)
      .send(JSON.stringify(body))
  }
}

const jsonType = 'application/json; charset=utf-8'

function send(reply: FastifyReply, answer: Answer, status: number): FastifyReply {
  void reply.header('x-content-type-options', 'nosniff').header('cache-control', 'no-store')
  switch (answer.kind) {
    case 'json':
      return reply
        .code(answer.status ?? status)
        .type(jsonType)
        .send(JSON.stringify(answer.value))
    case 'text':
      return reply
        .code(answer.status ?? status)
        .type(answer.contentType)
        .send(answer.text)
    case 'bytes':
      return reply.code(status).type(answer.contentType).send(answer.bytes)
    case 'stream':
      return reply
        .code(status)
        .type(answer.contentType)
        .headers({ ...answer.headers })
        .send(Readable.from(answer.chunks, { objectMode: false }))
    default:
      return answer satisfies never
  }
}

/** Aborted when the client goes before its answer is there. */
function goneSignal(reply: FastifyReply): AbortSignal {
  const gone = new AbortController()
  whenOver(reply.raw, () => {
    if (reply.raw.writableFinished) return
    gone.abort(new OperatingError('interrupted', 'the client has gone', 'Ask again.'))
  })
  return gone.signal
}

const toTexts = (query: unknown): Readonly<Record<string, string>> =>
  Object.fromEntries(
    Object.entries(query ?? {}).map(([key, value]) => [
      key,
      String(Array.isArray(value) ? value.at(-1) : value),
    ]),
  )

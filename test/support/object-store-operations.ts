/** The operations of S3 that the product uses, on a store in memory: a request in, an answer out. */
import { createHash, randomBytes } from 'node:crypto'
import type { SeenRequest } from './object-store-faults.ts'
import {
  type Bucket,
  type LockHeaders,
  md5,
  type ObjectVersion,
  type StoreState,
} from './object-store-state.ts'

export interface Answer {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Buffer
}

/** What the store makes of promises that other stores keep. All may be changed at any time. */
export interface Behaviour {
  /** `If-None-Match: *` on puts. Default `honoured`. */
  conditionalWrites: 'honoured' | 'ignored' | 'refused'
  /** Takes lock headers and forgets them. */
  forgetsLocks: boolean
  /** Nobody may delete: an append-only role. */
  deniesDelete: boolean
  /** Answers and checks SHA-256. */
  checksums: boolean
  /** Names that a listing does not show yet, and such that it still shows. */
  hiddenFromList: Set<string>
  stillListed: Set<string>
  /** Names in one page of a listing. */
  pageSize: number
}

export const ordinary = (): Behaviour => ({
  conditionalWrites: 'honoured',
  forgetsLocks: false,
  deniesDelete: false,
  checksums: true,
  hiddenFromList: new Set(),
  stillListed: new Set(),
  pageSize: 1_000,
})

export const failed = (status: number, code: string): Answer => ({
  status,
  headers: { 'content-type': 'application/xml' },
  body: xml(`<Error><Code>${code}</Code><Message>${code} it is</Message></Error>`),
})

const xml = (text: string): Buffer => Buffer.from(`<?xml version="1.0" encoding="UTF-8"?>${text}`)
const document = (text: string): Answer => ({
  status: 200,
  headers: { 'content-type': 'application/xml' },
  body: xml(text),
})
const iso = (ms: number): string => new Date(ms).toISOString()

const encodeName = (name: string): string => encodeURIComponent(name).replaceAll('%2F', '/')

export class StoreOperations {
  readonly #state: StoreState
  readonly #behaviour: Behaviour

  constructor(state: StoreState, behaviour: Behaviour) {
    this.#state = state
    this.#behaviour = behaviour
  }

  do(request: SeenRequest, body: Buffer): Answer {
    const bucket = this.#state.buckets.get(request.bucket)
    if (bucket === undefined) return failed(404, 'NoSuchBucket')
    const operation = this.#operations[request.operation]
    return operation === undefined
      ? failed(501, 'NotImplemented')
      : operation(request, bucket, body)
  }

  readonly #operations: Readonly<
    Record<string, (request: SeenRequest, bucket: Bucket, body: Buffer) => Answer>
  > = {
    PutObject: (request, bucket, body) => this.#put(request, bucket, body),
    CopyObject: (request, bucket) => this.#copy(request, bucket),
    GetObject: (request, bucket) => this.#get(request, bucket),
    HeadObject: (request, bucket) => this.#head(request, bucket),
    DeleteObject: (request, bucket) => this.#delete(request, bucket),
    ListObjectsV2: (request, bucket) => this.#list(request, bucket),
    ListObjectVersions: (request, bucket) => this.#listVersions(request, bucket),
    GetObjectLockConfiguration: (_, { hasLock }) =>
      hasLock
        ? document(
            '<ObjectLockConfiguration><ObjectLockEnabled>Enabled</ObjectLockEnabled></ObjectLockConfiguration>',
          )
        : failed(404, 'ObjectLockConfigurationNotFoundError'),
    PutObjectRetention: (request, bucket, body) => this.#retain(request, bucket, body),
    CreateMultipartUpload: (request, bucket) => this.#create(request, bucket),
    UploadPart: (request, bucket, body) => this.#part(request, bucket, body),
    CompleteMultipartUpload: (request, bucket) => this.#complete(request, bucket),
    AbortMultipartUpload: (request, bucket) =>
      bucket.uploads.delete(request.query.get('uploadId') ?? '')
        ? { status: 204 }
        : failed(404, 'NoSuchUpload'),
    ListMultipartUploads: (request, bucket) => this.#listUploads(request, bucket),
  }

  #put(request: SeenRequest, bucket: Bucket, body: Buffer): Answer {
    const sent = header(request, 'x-amz-checksum-sha256')
    const own = createHash('sha256').update(body).digest('base64')
    if (sent !== undefined && this.#behaviour.checksums && sent !== own) {
      return failed(400, 'BadDigest')
    }
    const refused = this.#guard(request, bucket)
    if (refused !== undefined) return refused
    const lock = this.#locks(request, bucket)
    if ('status' in lock) return lock
    const kept = sent !== undefined && this.#behaviour.checksums ? { sha256: own } : {}
    const version = this.#state.store(bucket, request.name, body, {
      ...lock,
      ...kept,
      metadata: metadataOf(request),
    })
    return { status: 200, headers: this.#describe(version) }
  }

  /** What conditions say; undefined: go on. */
  #guard(request: SeenRequest, bucket: Bucket): Answer | undefined {
    if (header(request, 'if-none-match') === undefined) return undefined
    const { conditionalWrites } = this.#behaviour
    if (conditionalWrites === 'refused') return failed(501, 'NotImplemented')
    const stands = this.#state.current(bucket, request.name) !== undefined
    return conditionalWrites === 'honoured' && stands
      ? failed(412, 'PreconditionFailed')
      : undefined
  }

  #locks(request: SeenRequest, { hasLock }: Bucket): LockHeaders | Answer {
    const mode = header(request, 'x-amz-object-lock-mode')
    const until = header(request, 'x-amz-object-lock-retain-until-date')
    const hold = header(request, 'x-amz-object-lock-legal-hold')
    if (this.#behaviour.forgetsLocks || (mode ?? until ?? hold) === undefined) return {}
    if (!hasLock) return failed(400, 'InvalidRequest')
    return {
      ...(mode !== undefined && { mode }),
      ...(until !== undefined && { retainUntil: Date.parse(until) }),
      ...(hold === 'ON' && { legalHold: true }),
    }
  }

  #copy(request: SeenRequest, bucket: Bucket): Answer {
    const refused = this.#guard(request, bucket)
    if (refused !== undefined) return refused
    const [from = '', ...rest] = decodeURIComponent(
      header(request, 'x-amz-copy-source') ?? '',
    ).split('/')
    const source = this.#state.buckets.get(from)
    const original = source && this.#state.current(source, rest.join('/'))
    if (original === undefined) return failed(404, 'NoSuchKey')
    const lock = this.#locks(request, bucket)
    if ('status' in lock) return lock
    const { metadata, sha256, body } = original
    const kept = sha256 === undefined ? {} : { sha256 }
    const copy = this.#state.store(bucket, request.name, body, { metadata, ...kept, ...lock })
    return document(`<CopyObjectResult><ETag>"${copy.etag}"</ETag></CopyObjectResult>`)
  }

  #get(request: SeenRequest, bucket: Bucket): Answer {
    const versionId = request.query.get('versionId') ?? undefined
    const version = this.#state.current(bucket, request.name, versionId)
    if (version === undefined) return failed(404, 'NoSuchKey')
    const { body } = version
    const ifMatch = header(request, 'if-match')
    if (ifMatch !== undefined && ifMatch !== `"${version.etag}"`) {
      return failed(412, 'PreconditionFailed')
    }
    const wantsSum = header(request, 'x-amz-checksum-mode') === 'ENABLED'
    const range = /^bytes=([0-9]+)-([0-9]+)$/.exec(header(request, 'range') ?? '')
    const from = Number(range?.[1] ?? 0)
    const to = Math.min(Number(range?.[2] ?? body.length), body.length - 1)
    if (range !== null && from >= body.length) return failed(416, 'InvalidRange')
    const isWhole = from === 0 && to === body.length - 1
    const headers = this.#describe(version, wantsSum && isWhole)
    if (range === null) return { status: 200, headers, body }
    return {
      status: 206,
      headers: { ...headers, 'content-range': `bytes ${from}-${to}/${body.length}` },
      body: body.subarray(from, to + 1),
    }
  }

  #head(request: SeenRequest, bucket: Bucket): Answer {
    const versionId = request.query.get('versionId') ?? undefined
    const version = this.#state.current(bucket, request.name, versionId)
    if (version === undefined) return { status: 404 }
    const length = { 'content-length': String(version.body.length) }
    return { status: 200, headers: { ...this.#describe(version, false), ...length } }
  }

  #describe(version: ObjectVersion, withSum = true): Record<string, string> {
    const { sha256, mode, retainUntil, legalHold } = version
    return {
      etag: `"${version.etag}"`,
      'last-modified': new Date(version.storedAt).toUTCString(),
      ...(version.versionId !== 'null' && { 'x-amz-version-id': version.versionId }),
      ...(withSum && sha256 !== undefined && { 'x-amz-checksum-sha256': sha256 }),
      ...(mode !== undefined && { 'x-amz-object-lock-mode': mode }),
      ...(retainUntil !== undefined && {
        'x-amz-object-lock-retain-until-date': iso(retainUntil),
      }),
      ...(legalHold === true && { 'x-amz-object-lock-legal-hold': 'ON' }),
      ...Object.fromEntries(
        Object.entries(version.metadata).map(([name, value]) => [`x-amz-meta-${name}`, value]),
      ),
    }
  }

  #delete(request: SeenRequest, bucket: Bucket): Answer {
    if (this.#behaviour.deniesDelete) return failed(403, 'AccessDenied')
    const versionId = request.query.get('versionId') ?? undefined
    const outcome = this.#state.delete(bucket, request.name, versionId)
    return outcome === 'locked' ? failed(403, 'AccessDenied') : { status: 204 }
  }

  #retain(request: SeenRequest, bucket: Bucket, body: Buffer): Answer {
    const version = this.#state.current(bucket, request.name)
    if (version === undefined) return failed(404, 'NoSuchKey')
    if (!bucket.hasLock) return failed(400, 'InvalidRequest')
    const text = body.toString()
    const mode = /<Mode>(.*?)<\/Mode>/.exec(text)?.[1]
    const until = Date.parse(/<RetainUntilDate>(.*?)<\/RetainUntilDate>/.exec(text)?.[1] ?? '')
    const weaker = version.mode === 'COMPLIANCE' && mode !== 'COMPLIANCE'
    const isLocked = this.#state.isLocked(version)
    if (isLocked && (weaker || until < (version.retainUntil ?? 0))) {
      return failed(403, 'AccessDenied')
    }
    if (mode !== undefined) version.mode = mode
    version.retainUntil = until
    return { status: 200 }
  }

  #names(bucket: Bucket, prefix: string): string[] {
    const { hiddenFromList, stillListed } = this.#behaviour
    const standing = [...bucket.versions.keys()].filter(
      (name) => this.#state.current(bucket, name) !== undefined && !hiddenFromList.has(name),
    )
    return [...new Set([...standing, ...stillListed])]
      .filter((name) => name.startsWith(prefix))
      .sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
  }

  #list({ query }: SeenRequest, bucket: Bucket): Answer {
    const names = this.#names(bucket, query.get('prefix') ?? '')
    const from = Number(query.get('continuation-token') ?? 0)
    const most = Math.min(this.#behaviour.pageSize, Number(query.get('max-keys') ?? 1_000))
    const page = names.slice(from, from + most)
    const isTruncated = from + most < names.length
    const contents = page.map((name) => {
      const sizeBytes = this.#state.current(bucket, name)?.body.length ?? 1
      return `<Contents><Key>${encodeName(name)}</Key><Size>${sizeBytes}</Size></Contents>`
    })
    const next = `<NextContinuationToken>${from + most}</NextContinuationToken>`
    return document(
      `<ListBucketResult><EncodingType>url</EncodingType><IsTruncated>${isTruncated}</IsTruncated>` +
        `${isTruncated ? next : ''}${contents.join('')}</ListBucketResult>`,
    )
  }

  #listVersions({ query }: SeenRequest, bucket: Bucket): Answer {
    const prefix = query.get('prefix') ?? ''
    const all = [...bucket.versions.entries()]
      .filter(([name]) => name.startsWith(prefix))
      .sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
      .flatMap(([name, versions]) =>
        [...versions].reverse().map((version, index) => ({ name, version, index })),
      )
    const from = Number(query.get('key-marker') ?? 0)
    const most = this.#behaviour.pageSize
    const isTruncated = from + most < all.length
    const entries = all.slice(from, from + most).map(({ name, version, index }) => {
      const tag = version.isDeletion ? 'DeleteMarker' : 'Version'
      return (
        `<${tag}><Key>${encodeName(name)}</Key><VersionId>${version.versionId}</VersionId>` +
        `<IsLatest>${index === 0}</IsLatest><LastModified>${iso(version.storedAt)}</LastModified>` +
        `${version.isDeletion ? '' : `<Size>${version.body.length}</Size>`}</${tag}>`
      )
    })
    const next = `<NextKeyMarker>${from + most}</NextKeyMarker>`
    return document(
      `<ListVersionsResult><EncodingType>url</EncodingType><IsTruncated>${isTruncated}</IsTruncated>` +
        `${isTruncated ? next : ''}${entries.join('')}</ListVersionsResult>`,
    )
  }

  #create(request: SeenRequest, bucket: Bucket): Answer {
    const lock = this.#locks(request, bucket)
    if ('status' in lock) return lock
    const id = randomBytes(8).toString('hex')
    const metadata = metadataOf(request)
    const startedAt = this.#state.nowSeconds()
    const upload = { id, name: request.name, startedAt, metadata, lock, parts: new Map() }
    bucket.uploads.set(id, upload)
    return document(
      `<InitiateMultipartUploadResult><UploadId>${id}</UploadId></InitiateMultipartUploadResult>`,
    )
  }

  #part({ query }: SeenRequest, bucket: Bucket, body: Buffer): Answer {
    const upload = bucket.uploads.get(query.get('uploadId') ?? '')
    if (upload === undefined) return failed(404, 'NoSuchUpload')
    upload.parts.set(Number(query.get('partNumber')), body)
    return { status: 200, headers: { etag: `"${md5(body)}"` } }
  }

  #complete(request: SeenRequest, bucket: Bucket): Answer {
    const id = request.query.get('uploadId') ?? ''
    const upload = bucket.uploads.get(id)
    if (upload === undefined) return failed(404, 'NoSuchUpload')
    const parts = [...upload.parts.entries()].sort(([a], [b]) => a - b).map(([, part]) => part)
    const body = Buffer.concat(parts)
    const { lock, metadata } = upload
    const etag = `${md5(body)}-${parts.length}`
    this.#state.store(bucket, request.name, body, { ...lock, metadata, etag })
    bucket.uploads.delete(id)
    return document(
      `<CompleteMultipartUploadResult><ETag>"${etag}"</ETag></CompleteMultipartUploadResult>`,
    )
  }

  #listUploads({ query }: SeenRequest, bucket: Bucket): Answer {
    const prefix = query.get('prefix') ?? ''
    const found = [...bucket.uploads.values()].filter(({ name }) => name.startsWith(prefix))
    const entries = found.map(
      ({ id, name, startedAt }) =>
        `<Upload><Key>${escapeXml(name)}</Key><UploadId>${id}</UploadId><Initiated>${iso(startedAt)}</Initiated></Upload>`,
    )
    return document(
      `<ListMultipartUploadsResult><IsTruncated>false</IsTruncated>${entries.join('')}</ListMultipartUploadsResult>`,
    )
  }
}

const header = ({ headers }: SeenRequest, name: string): string | undefined => {
  const value = headers[name]
  return Array.isArray(value) ? value[0] : value
}

const metadataOf = ({ headers }: SeenRequest): Record<string, string> =>
  Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) =>
      name.startsWith('x-amz-meta-') && typeof value === 'string' ? [[name.slice(11), value]] : [],
    ),
  )

const escapeXml = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')

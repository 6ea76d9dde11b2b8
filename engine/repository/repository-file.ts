/**
 * `repository.json`: the first file of a repository, and the one without which nothing is read.
 *
 * A document (see format/document.ts): `id` tells two repositories apart, `encryption` is null for
 * plain objects; its parameters stand there otherwise.
 */

import { limits } from '../base/limits.ts'
import { type DocumentKind, encodeDocument } from '../format/document.ts'
import { Fields, patterns } from '../format/fields.ts'
import { instantPattern } from './instant.ts'
import { damaged, readDocument, withRepositoryHint } from './read-document.ts'

export interface RepositoryFile {
  /** A UUID. */
  readonly id: string
  /** ISO 8601, UTC. */
  readonly createdAt: string
  readonly encryption: null
}

const kind: DocumentKind = { format: 'vectra-repository', version: 1 }

export const encodeRepositoryFile = (file: RepositoryFile): Buffer => encodeDocument(kind, file)

/** @throws `damaged`, `newer-format` */
export const decodeRepositoryFile = (bytes: Uint8Array, file: string): RepositoryFile =>
  withRepositoryHint(() => decode(bytes, file))

function decode(bytes: Uint8Array, file: string): RepositoryFile {
  const bounds = { bytes: limits.repositoryFileBytes, values: 100 }
  const fields = new Fields(readDocument(kind, bytes, file, bounds), file)
  if (fields.has('encryption'))
    damaged(file, 'it has encryption parameters that version 1 never has')
  const decoded: RepositoryFile = {
    id: fields.text('id', patterns.uuid),
    createdAt: fields.text('createdAt', instantPattern),
    encryption: null,
  }
  if (!encodeRepositoryFile(decoded).equals(bytes)) damaged(file, 'it has unknown fields')
  return decoded
}

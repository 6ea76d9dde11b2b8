/** The page with every key of the plan language, and the environment that it asks for. */
import * as path from 'node:path'

export const referenceFile = path.resolve(import.meta.dirname, '../../plans/reference.yaml')

export const referenceEnvironment = {
  VECTRA_TOKEN: 'token-of-the-test',
  QDRANT_API_KEY: 'key-of-the-test',
  S3_ENDPOINT: 'http://127.0.0.1:9000',
  VECTRA_BACKUP_KEY: 'a'.repeat(64),
  HEARTBEAT_URL: 'https://heartbeat.example.com/abc',
  CDN_TOKEN: 'cdn-token-of-the-test',
  OPS_WEBHOOK: 'https://hooks.example.com/xyz',
  STATUS_PAGE: 'status-page-of-the-test',
}

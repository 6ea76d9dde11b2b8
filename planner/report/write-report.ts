/** Reports on disk: `<state>/reports/<name>/report.{json,md,html}`, each replaced as a whole. */
import * as path from 'node:path'
import { type Disk, replaceFile } from '../../engine/index.ts'
import { makeDurableDirectory } from '../ledger/durable-directory.ts'
import type { Report } from './report.ts'

export interface ReportPaths {
  readonly json: string
  readonly markdown: string
  readonly html: string
}

export async function writeReport(
  disk: Disk,
  directory: string,
  report: Report,
): Promise<ReportPaths> {
  const paths: ReportPaths = {
    json: path.join(directory, 'report.json'),
    markdown: path.join(directory, 'report.md'),
    html: path.join(directory, 'report.html'),
  }
  await makeDurableDirectory(disk, directory)
  for (const form of ['json', 'markdown', 'html'] as const) {
    await replaceFile(disk, paths[form], Buffer.from(report[form]))
  }
  return paths
}

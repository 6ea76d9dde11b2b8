/**
 * The order of the test files: the long ones first, so that no worker is left alone with one at the end. Vitest
 * knows by itself how long a file took the last time; a fresh clone has no last time, hence this list.
 */
import { existsSync } from 'node:fs'
import { join, relative } from 'node:path'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

/** Seconds of the files that take more than a few of them, roughly, on two processors. */
const seconds: Readonly<Record<string, number>> = {
  'test/conformance/index.test.ts': 8,
  'test/crash/failed-calls.test.ts': 9,
  'test/crash/kill-commands.test.ts': 60,
  'test/crash/kill-runs.test.ts': 35,
  'test/crash/kill-writer.test.ts': 80,
  'test/crash/power-cuts.test.ts': 35,
  'test/crash/request-faults.test.ts': 120,
  'test/crash/resumed-runs.test.ts': 35,
  'test/e2e/cluster.test.ts': 14,
  'test/e2e/many-collections.test.ts': 13,
  'test/e2e/nightly-with-offsite.test.ts': 20,
  'test/e2e/point-in-time.test.ts': 20,
  'test/e2e/ransomware.test.ts': 25,
  'test/e2e/reference-runbook.test.ts': 22,
  'test/e2e/restore-script.test.ts': 21,
  'test/e2e/runbook.test.ts': 45,
  'test/e2e/walk-through.test.ts': 22,
  'test/e2e/warm-standby.test.ts': 24,
  'test/engine/backup/restore.test.ts': 10,
  'test/engine/collection/merge.test.ts': 10,
  'test/engine/collection/recovery.test.ts': 12,
  'test/engine/collection/reindex.test.ts': 9,
  'test/engine/replica/simulation.test.ts': 21,
  'test/fuzz/model.test.ts': 25,
  'test/planner/cli/main.test.ts': 12,
  'test/system/ceph-gateway.test.ts': 40,
  'test/system/large-walk-through.test.ts': 35,
  'test/system/rsync.test.ts': 60,
}

export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const { root } = this.ctx.config
    for (const file of Object.keys(seconds)) {
      if (!existsSync(join(root, file)))
        throw new Error(`${file} is not there: take it out of test/support/longest-first.ts`)
    }
    const lengthOf = ({ moduleId }: TestSpecification) => seconds[relative(root, moduleId)] ?? 0
    const sorted = await super.sort(files)
    // a worker takes files of one project only: they stay together
    const projects = [...new Set(sorted.map(({ project }) => project.name))]
    return projects.flatMap((name) =>
      sorted
        .filter(({ project }) => project.name === name)
        .sort((a, b) => lengthOf(b) - lengthOf(a)),
    )
  }
}

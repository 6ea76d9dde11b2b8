import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Command } from 'commander'
import { describe, expect, it } from 'vitest'
import { version } from '../../../engine/base/version.ts'
import { buildProgram } from '../../../engine/cli/program.ts'
import { temporaryDirectory } from '../../support/temporary-directory.ts'
import { captured, runCli } from './run-cli.ts'

/** All paths of the tree that lead to a command. */
function pathsOf(command: Command, path: readonly string[] = []): string[][] {
  return [
    [...path],
    ...command.commands
      .filter((child) => !['help', ':create'].includes(child.name()))
      .flatMap((child) => pathsOf(child, [...path, child.name()])),
  ]
}

const program = () =>
  buildProgram(
    {
      stdout: captured(),
      stderr: captured(),
      stdin: (async function* () {})(),
      env: {},
      clock: { nowMs: () => 0, nowUs: () => 0, monotonicMs: () => 0 },
      disk: {} as never, // help touches no disk
      signal: new AbortController().signal,
    },
    () => {},
  )

describe('help', () => {
  it('is printed for every command, with an example', async () => {
    for (const path of pathsOf(program())) {
      const { exitCode, stdout, stderr } = await runCli([...path, '--help'])
      expect([exitCode, stderr]).toEqual([0, ''])
      expect(stdout).toContain(`Usage: vectra-cli ${path.join(' ')}`.trimEnd())
      expect(stdout).toMatch(/Examples:\n {2}\$ .*vectra-cli /)
    }
  })

  it('prints the version of package.json', async () => {
    const { stdout } = await runCli(['--version'])
    const manifest = JSON.parse(await readFile('package.json', 'utf8')) as { version: string }
    expect(stdout).toBe(`${manifest.version}\n`)
    expect(version).toBe(manifest.version)
  })
})

describe('a usage error', () => {
  const cases: [what: string, argv: string[], error: RegExp, hint: RegExp][] = [
    ['no command', [], /needs a command/, /collections, search/],
    ['a group alone', ['collections'], /collections needs a command/, /list, /],
    [
      'a misspelt required flag',
      ['collections', 'create', 'b', '--dimensoin', '3'],
      /unknown option '--dimensoin'/,
      /Did you mean --dimension\?/,
    ],
    [
      'a missing required flag',
      ['collections', 'create', 'b'],
      /required option '--dimension <n>' not specified/,
      /See vectra-cli collections create --help/,
    ],
    ['an unknown command', ['serch'], /unknown command 'serch'/, /Did you mean search\?/],
    ['an unknown subcommand', ['collections', 'lst'], /unknown command 'lst'/, /mean list/],
    ['an unknown flag', ['collections', 'list', '--jsn'], /unknown option '--jsn'/, /mean --json/],
    ['a missing argument', ['collections', 'count'], /missing required argument 'name'/, /--help/],
    ['too many arguments', ['collections', 'count', 'a', 'b'], /too many arguments/, /--help/],
    [
      'a missing option',
      ['collections', 'create', 'a'],
      /--dimension <n>' not specified/,
      /--help/,
    ],
    [
      'a missing destination',
      ['collections', 'backup', 'a'],
      /--destination .*not specified/,
      /--help/,
    ],
    ['a missing source', ['collections', 'restore', 'a'], /--source .*not specified/, /--help/],
    [
      'no number',
      ['collections', 'create', 'a', '--dimension', '1e3'],
      /'1e3' is invalid/,
      /--help/,
    ],
    ['a number out of bounds', ['search', 'a', '-k', '0', '--like', 'b'], /from 1 to/, /--help/],
    [
      'a wrong choice',
      ['collections', 'create', 'a', '--dimension', '4', '--metric', 'dot'],
      /cosine, l2, ip/,
      /--help/,
    ],
    ['a flag without its value', ['collections', 'list', '--data'], /argument missing/, /--help/],
    [
      'a flag as value',
      ['collections', 'restore', 'a', '--source', '--wait'],
      /--source has no value: --wait follows/,
      /--source VALUE/,
    ],
    [
      'a flag twice',
      [
        'collections',
        'backup',
        'a',
        '--destination',
        '/b',
        '--destination',
        '/c',
        '--snapshot-id',
        's',
      ],
      /--destination is given twice/,
      /once/,
    ],
    [
      'a global flag twice',
      ['--data', 'a', 'collections', 'list', '--data', 'b'],
      /--data is given twice/,
      /once/,
    ],
    ['no query', ['search', 'a'], /either --vector or --like/, /--vector/],
    [
      'two queries',
      ['search', 'a', '--vector', '[1]', '--like', 'b'],
      /either --vector or --like/,
      /--like/,
    ],
    [
      'a vector that is not JSON',
      ['search', 'a', '--vector', '1,2'],
      /--vector is not JSON/,
      /\[0.1, 0.2\]/,
    ],
    [
      'a vector that is no list',
      ['search', 'a', '--vector', '{}'],
      /--vector is not a list/,
      /\[0.1, 0.2\]/,
    ],
    [
      'a filter that is not JSON',
      ['search', 'a', '--like', 'b', '--filter', 'x=1'],
      /--filter is not JSON/,
      /JSON/,
    ],
    [
      'an unknown filter',
      ['search', 'a', '--like', 'b', '--filter', '{"a":{"near":1}}'],
      /unknown operator "near"/,
      /and/,
    ],
    ['an id with leading zeros', ['search', 'a', '--like', '007'], /the id 007/, /'"007"'/],
    [
      'an id beyond 2^53',
      ['collections', 'delete', 'a', '9007199254740993'],
      /9007199254740993/,
      /quote/,
    ],
    [
      'half a point',
      ['collections', 'upsert', 'a', '--id', '1'],
      /--vector is missing/,
      /standard input/,
    ],
    [
      'a point and -',
      ['collections', 'upsert', 'a', '-', '--id', '1'],
      /either one point/,
      /import/,
    ],
    [
      'a file name without format',
      ['collections', 'import', 'a', 'points.txt'],
      /does not tell its format/,
      /--format jsonl/,
    ],
    [
      'a name with ..',
      ['collections', 'count', '../etc'],
      /"\.\.\/etc" has characters/,
      /1 to 128 letters/,
    ],
    [
      'a name with .. inside',
      ['collections', 'drop', 'a..b'],
      /contains "\.\."/,
      /1 to 128 letters/,
    ],
    [
      'a reserved name',
      ['collections', 'create', 'verify', '--dimension', '4'],
      /is a subcommand/,
      /./,
    ],
  ]

  it.each(cases)(
    'for %s is one line and a hint, exit 2, nothing written',
    async (_, argv, error, hint) => {
      const cwd = await temporaryDirectory()
      const { exitCode, stdout, stderr } = await runCli(argv, {
        env: { VECTRA_DATA: join(cwd, 'data') },
      })
      const [first, second, ...rest] = stderr.split('\n')
      expect([exitCode, stdout, rest]).toEqual([2, '', ['']])
      expect(first).toMatch(/^error: /)
      expect(first).toMatch(error)
      expect(second).toMatch(/^hint: /)
      expect(second).toMatch(hint)
      await expect(readFile(join(cwd, 'data'))).rejects.toMatchObject({ code: 'ENOENT' })
    },
  )

  it('is also the last object of --json', async () => {
    const run = await runCli(['collections', 'lst', '--json'])
    expect(run.exitCode).toBe(2)
    expect(run.objects()).toEqual([
      {
        outcome: 'failed',
        error: {
          code: 'usage',
          message: "unknown command 'lst'",
          hint: 'Did you mean list?',
          exitCode: 2,
        },
      },
    ])
  })
})

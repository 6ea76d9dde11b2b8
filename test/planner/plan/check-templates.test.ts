import { describe, expect, it } from 'vitest'
import { errorsAt, validPlan } from '../../support/plan-text.ts'
import { suiteDirectory } from '../../support/temporary-directory.ts'

const always = '- drop: { target: staging, collection: restored, ifExists: true }'

describe('a variable of a plan', () => {
  const directory = suiteDirectory()
  const errors = (search: string, replacement: string, env: Record<string, string> = {}) => {
    const text = validPlan.replace(search, () => replacement)
    expect(text).not.toBe(validPlan)
    return errorsAt(directory.path, text, env)
  }
  const exec = (...words: string[]) =>
    errors(always, `- exec: { command: [echo, ${words.map((word) => `"${word}"`).join(', ')}] }`, {
      SET: 'x',
    })

  it('is fine where it can be filled in', async () => {
    expect(await exec('${env.SET}', '${date}-${time}', '${run}: ${run.error}')).toEqual([])
    expect(await exec('${steps.restore.digest}', '${steps.check.recall}', '$${anything}')).toEqual(
      [],
    )
    expect(await errors('as: restored', 'as: "x_${date}_${collection}"')).toHaveLength(3)
  })

  it('of the environment has to be there before anything runs', async () => {
    expect(await exec('${env.UNSET}')).toEqual([
      '"${env.UNSET}" drills.restore-test.always[0].exec.command[1]: the environment variable UNSET is not set, or empty (Set UNSET before anything runs.)',
    ])
    expect(await errors('path: ./data', 'path: "${env.EMPTY}"', { EMPTY: '' })).toHaveLength(1)
    expect(await errors('path: ./data', 'path: "${env.HERE}/data"', { HERE: '/srv' })).toEqual([])
  })

  it('of a setting is told without its value when it makes no sense', async () => {
    const told = await errors('./backups', '"${env.WHERE}"', { WHERE: 's3://KEY:hunter22@bucket' })
    expect(told).toEqual([
      '"${env.WHERE}" destinations.local.url: this is not a path, a file:// URL of this machine, an s3:// or an rsync:// URL once its variables are filled in (Credentials come from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, a profile, or the machine’s role.)',
    ])
  })

  it('that nobody knows gets a suggestion', async () => {
    expect(await exec('${dat}', '${steps.restore.digst}', '${steps.chek.count}')).toEqual([
      '"${dat}" drills.restore-test.always[0].exec.command[1]: the text has the unknown variable ${dat} (Did you mean ${date}?)',
      '"${steps.restore.digst}" drills.restore-test.always[0].exec.command[2]: step "restore" does not give "digst" (Did you mean "digest"?)',
      '"${steps.chek.count}" drills.restore-test.always[0].exec.command[3]: there is no step "chek" here (Did you mean "check"?)',
    ])
  })

  it('sees earlier steps only, and not the one beside it', async () => {
    const told = await errors(
      always,
      `- parallel:
          - exec: { command: [a, "\${steps.b.stdout}"] }
            id: a
          - exec: { command: [b, "\${steps.b.stdout}", "\${steps.c.stdout}", "\${steps.check.count}"] }
            id: b
      - exec: { command: [c, "\${steps.a.stdout}"] }
        id: c`,
    )
    expect(told).toEqual([
      expect.stringContaining(
        'always[0].parallel[0].exec.command[1]: step "b" does not run before',
      ),
      expect.stringContaining('always[0].parallel[1].exec.command[1]: step "b" is this one'),
      expect.stringContaining(
        'always[0].parallel[1].exec.command[2]: step "c" does not run before',
      ),
    ])
  })

  it('that could mean several steps asks for an id', async () => {
    const told = await errors(
      always,
      '- exec: { command: [a] }\n      - exec: { command: [b] }\n      - exec: { command: [c, "${steps.exec.stdout}"] }',
    )
    expect(told).toEqual([
      expect.stringContaining('(There are several exec steps; give the one you mean an id.)'),
    ])
  })

  it('sees the steps of its own schedule or drill only', async () => {
    expect(await exec('${steps.backup.snapshot}')).toEqual([
      expect.stringContaining('there is no step "backup" here'),
    ])
  })

  it('${run.error} is for clean-up', async () => {
    expect(await errors('to: local }', 'to: local, id: "x_${run.error}" }')).toEqual([
      expect.stringContaining('${run.error} is known under "always" only'),
    ])
  })

  it('${collection} needs a step with a collection, and is not its own name', async () => {
    expect(await exec('${collection}')).toEqual([
      expect.stringContaining('${collection} means nothing here'),
    ])
    expect(
      await errors(
        'drop: { target: staging, collection: restored',
        'drop: { target: staging, collection: "${collection}"',
      ),
    ).toEqual([expect.stringContaining('${collection} means nothing here')])
    expect(await errors('to: local }', 'to: local, id: "x_${collection}" }')).toEqual([])
  })

  it('of a run means nothing in a setting', async () => {
    expect(await errors('./backups', '"./backups-${date}"')).toEqual([
      expect.stringContaining('${date} means nothing outside steps'),
    ])
  })

  it('where nothing is filled in is an error, not a text', async () => {
    for (const [search, replacement] of [
      ['owner: platform-team', 'owner: "${env.SET}"'],
      ['node: a1', 'node: "${env.SET}"'],
      ['collections: [products]', 'collections: ["${env.SET}"]'],
      ['to: local', 'to: "${env.SET}"'],
    ] as const) {
      expect((await errors(search, replacement, { SET: 'local' })).length).toBeGreaterThan(0)
    }
    expect(await errors('owner: platform-team', 'owner: "${env.SET}"', { SET: 'x' })).toEqual([
      '"${env.SET}" owner: nothing is filled in here (Variables work in paths, URLs, ids, names given by steps, and arguments.)',
    ])
    expect(await errors('owner: platform-team', 'owner: "costs $5 {a}"')).toEqual([])
  })
})

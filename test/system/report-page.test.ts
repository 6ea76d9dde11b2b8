import { existsSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { type Browser, chromium, type Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { audit } from '../../planner/audit/audit.ts'
import { toReport } from '../../planner/report/report.ts'
import { dr } from '../support/dr-command.ts'
import { quarter, quarterLedger, quarterPlan } from '../support/quarter-ledger.ts'
import { planOf } from '../support/sound-plan.ts'
import { suiteDirectory } from '../support/temporary-directory.ts'

const directory = suiteDirectory()
let browser: Browser
let url: string
let tabletop: string

beforeAll(async () => {
  const executablePath = ['/usr/bin/chromium', '/usr/bin/chromium-browser'].find(existsSync)
  if (executablePath === undefined) throw new Error('chromium is needed: apt-get install chromium')
  browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] })
  const judged = audit({
    plan: await planOf(quarterPlan),
    entries: quarterLedger(),
    window: quarter,
  })
  const file = path.join(directory.path, 'report.html')
  await writeFile(file, (await toReport(judged)).html)
  url = pathToFileURL(file).href
  const shop = path.resolve(import.meta.dirname, '../../plans/scenarios/shop.yaml')
  const asked = ['--scenario', 'ransomware', '--set', 'people.contacts.lead-1.hours=24x7']
  const out = ['--out', directory.path, '--state', path.join(directory.path, 'state')]
  expect((await dr(['tabletop', shop, ...asked, ...out])).exitCode).toBe(0)
  tabletop = pathToFileURL(path.join(directory.path, 'tabletop-ransomware.html')).href
}, 60_000)

afterAll(() => browser?.close())

interface Opened {
  readonly page: Page
  /** What the page asked for beside itself. */
  readonly requests: string[]
  readonly complaints: string[]
}

async function open(
  options: Parameters<Browser['newPage']>[0] = {},
  address = url,
): Promise<Opened> {
  const page = await browser.newPage({ viewport: { width: 1100, height: 900 }, ...options })
  const requests: string[] = []
  const complaints: string[] = []
  page.on('request', (request) => {
    if (request.url() !== address) requests.push(request.url())
  })
  page.on('console', (message) => complaints.push(message.text()))
  page.on('pageerror', (error) => complaints.push(error.message))
  await page.goto(address)
  return { page, requests, complaints }
}

/** Evaluates an expression with what page-facts.mjs has. */
async function ask(page: Page, expression: string): Promise<unknown> {
  const facts = await readFile(new URL('page-facts.mjs', import.meta.url), 'utf8')
  return page.evaluate(
    `(() => { ${facts.replaceAll('export const', 'const')}; return ${expression} })()`,
  )
}

test('a browser opens the report without asking for anything or complaining', async () => {
  const { page, requests, complaints } = await open()
  expect(await page.title()).toContain('Recovery audit of test')
  expect(requests).toEqual([])
  expect(complaints).toEqual([])
  await page.close()
})

test('every chart is there, has a name and a description, and is drawn in the colours of the page', async () => {
  const { page } = await open()
  const charts = page.getByRole('img')
  const names = await charts.evaluateAll((all) =>
    all.map((each) => each.querySelector('title')?.textContent),
  )
  expect(names).toEqual([
    'RPO exposure of orders',
    'Recovery time of orders, by phase',
    'Recall@10 of orders after recovery',
    'Copies by failure domain',
    'Size and change of orders',
    'Calendar of schedules and drills',
  ])
  for (const name of names) {
    const chart = page.getByRole('img', { name: name ?? '' })
    expect(await chart.count(), `${name} is found by its name`).toBe(1)
    const { width, height, marks, text } = await chart.evaluate((svg) => ({
      width: svg.getBoundingClientRect().width,
      height: svg.getBoundingClientRect().height,
      marks: svg.querySelectorAll('path').length,
      text: svg.querySelector('desc')?.textContent ?? '',
    }))
    expect(width).toBeGreaterThan(600)
    expect(height).toBeGreaterThan(80)
    expect(marks).toBeGreaterThan(5)
    expect(text.length).toBeGreaterThan(40)
  }
  // a name that the page does not define would be drawn black in both
  expect(await ask(page, 'undefinedNames()')).toEqual([])
  await page.close()
})

test('every link leads to a line of the ledger that stands on the page, and is reached by the keyboard', async () => {
  const { page } = await open()
  const targets = await page
    .locator('a')
    .evaluateAll((all) => all.map((each) => each.getAttribute('href') ?? ''))
  expect(targets.length).toBeGreaterThan(20)
  expect(await ask(page, 'brokenLinks()')).toEqual([])
  await page.keyboard.press('Tab')
  await page.keyboard.press('Enter')
  expect(new URL(page.url()).hash).toBe(targets[0])
  await page.close()
})

test('light and dark are both legible: text stands out from the page by 4.5 to 1', async () => {
  for (const colorScheme of ['light', 'dark'] as const) {
    const { page } = await open({ colorScheme })
    expect(await ask(page, 'weakTexts(4.5)'), colorScheme).toEqual([])
    await page.close()
  }
})

test('a phone shows it without scrolling sideways', async () => {
  const { page } = await open({ viewport: { width: 390, height: 800 } })
  const { beyond, chart } = (await ask(page, 'widths()')) as { beyond: number; chart: number }
  expect(beyond).toBe(0)
  expect(chart).toBeGreaterThan(300)
  await page.close()
})

test('it prints on the pages that it needs, in light colours', async () => {
  const { page } = await open({ colorScheme: 'dark' })
  const printed = await page.pdf({ format: 'A4', printBackground: true })
  const pages = printed.toString('latin1').match(/\/Type\s*\/Page\b(?!s)/g)?.length ?? 0
  expect(pages).toBeGreaterThanOrEqual(6)
  expect(pages).toBeLessThanOrEqual(14)
  await page.emulateMedia({ media: 'print', colorScheme: 'dark' })
  expect(await ask(page, 'textColour()')).toBe('rgb(28, 33, 40)')
  await page.close()
})

test('a simulated drill shows its distributions, legible in light and dark, and asks for nothing', async () => {
  for (const colorScheme of ['light', 'dark'] as const) {
    const { page, requests, complaints } = await open({ colorScheme }, tabletop)
    expect([requests, complaints]).toEqual([[], []])
    expect(await ask(page, 'undefinedNames()')).toEqual([])
    expect(await ask(page, 'weakTexts(4.5)'), colorScheme).toEqual([])
    for (const name of ['RTO of ransomware', 'RPO of products']) {
      const chart = page.getByRole('img', { name })
      const { width, lines } = await chart.evaluate((svg) => ({
        width: svg.getBoundingClientRect().width,
        // as wide as most of the plot
        lines: [...svg.querySelectorAll('path[fill="none"]')].filter(
          (each) => each.getBoundingClientRect().width > 500,
        ).length,
      }))
      expect(width).toBeGreaterThan(600)
      // the plain run and the what-if
      expect(lines, name).toBeGreaterThanOrEqual(2)
    }
    await page.close()
  }
})

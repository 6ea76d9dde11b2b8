import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'
import {
  hnswlibAvailability,
  type NativeGraphClass,
  nativeGraphClass,
} from '../../../engine/ann/hnswlib.ts'

const loader = new URL('../../support/typescript-loader.mjs', import.meta.url).href
const subject = new URL('../../../engine/ann/hnswlib.ts', import.meta.url).href

it('hnswlib is available where the tests run', async () => {
  expect(await hnswlibAvailability()).toEqual({ available: true })
})

it('its declarations have the methods that the engine uses', async () => {
  const { HierarchicalNSW } = await import('hnswlib-node').then(({ default: library }) => library)
  // fails to compile when the package's types and our interface part ways
  const declared: NativeGraphClass = HierarchicalNSW
  expect(declared).toBe(await nativeGraphClass())
})

it('without the package the reason is told and nothing else breaks', async () => {
  // a resolver in which the package does not exist, as after an install without a compiler
  const hooks = `export const resolve = (name, context, next) => {
    if (name === 'hnswlib-node') throw new Error("Cannot find package 'hnswlib-node'")
    return next(name, context)
  }`
  const script = `
    import { register } from 'node:module'
    register('data:text/javascript,' + ${JSON.stringify(encodeURIComponent(hooks))})
    const { hnswlibAvailability, nativeGraphClass } = await import(${JSON.stringify(subject)})
    const availability = await hnswlibAvailability()
    const error = await nativeGraphClass().catch((error) => error)
    console.log(JSON.stringify({ availability, code: error.code, message: error.message }))
  `
  const { stdout } = await promisify(execFile)(process.execPath, [
    '--import',
    loader,
    '--input-type=module',
    '--eval',
    script,
  ])
  const reason = "Cannot find package 'hnswlib-node'"
  expect(JSON.parse(stdout)).toEqual({
    availability: { available: false, reason },
    code: 'index-unavailable',
    message: `the HNSW index cannot be used: ${reason}`,
  })
})

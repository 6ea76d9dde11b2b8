/** `/healthz`, `/readyz` and `/`: is somebody there, does it work, what is it. */
import { version } from '../base/version.ts'
import { json, type Route, type Served } from './route.ts'

/** The release of Qdrant whose shapes are answered; its clients compare it with their own. */
export const qdrantVersion = '1.18.0'

const tag = 'Service'

/** See the head of this file. */
export function statusRoutes(served: Served): Route[] {
  return [
    {
      method: 'GET',
      path: '/',
      tag,
      summary: 'What this is. `version` is the release of Qdrant whose shapes are answered.',
      answer: { type: 'object' },
      open: true,
      handle: async () =>
        json({ title: 'vectra, the engine of Vectra DR', version: qdrantVersion, vectra: version }),
    },
    {
      method: 'GET',
      path: '/healthz',
      tag,
      summary: 'Answers as long as the process does.',
      answer: { type: 'object' },
      open: true,
      handle: async () => json({ status: 'ok' }),
    },
    {
      method: 'GET',
      path: '/readyz',
      tag,
      summary: 'Answers 200 when requests are taken, 503 while they are not.',
      answer: { type: 'object' },
      open: true,
      handle: async () => {
        const reason = served.stopping.aborted ? 'it is being stopped' : served.notReady()
        return reason === undefined
          ? json({ status: 'ready' })
          : json({ status: 'not ready', reason }, 503)
      },
    },
  ]
}

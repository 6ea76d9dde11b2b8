/** All that the server answers. */
import type { Route, Served } from './route.ts'
import { statusRoutes } from './status-routes.ts'

/** The routes over `served`, in the order of `/openapi.json`. */
export const makeRoutes = (served: Served): Route[] => [...statusRoutes(served)]

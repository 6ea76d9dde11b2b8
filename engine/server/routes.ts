/** All that the server answers. */
import { clusterRoutes } from './cluster-routes.ts'
import { lostRoutes } from './lost-routes.ts'
import { metricsRoutes } from './metrics-routes.ts'
import { openApiRoute } from './openapi.ts'
import { orchestrationRoutes } from './orchestration.ts'
import { qdrantAliases } from './qdrant-aliases.ts'
import { qdrantCollections } from './qdrant-collections.ts'
import { qdrantPoints } from './qdrant-points.ts'
import { qdrantSearch } from './qdrant-search.ts'
import { qdrantSnapshots } from './qdrant-snapshots.ts'
import type { Route, Served } from './route.ts'
import { statusRoutes } from './status-routes.ts'
import { vectraCollections } from './vectra-collections.ts'
import { vectraJobs } from './vectra-jobs.ts'
import { vectraUpkeep } from './vectra-upkeep.ts'

/** The routes over `served`, in the order of `/openapi.json`. */
export function makeRoutes(served: Served): Route[] {
  const routes = [
    ...statusRoutes(served),
    ...metricsRoutes(served),
    ...qdrantCollections(served),
    ...qdrantAliases(served),
    ...qdrantPoints(served),
    ...qdrantSearch(served),
    ...qdrantSnapshots(served),
    ...vectraCollections(served),
    ...vectraUpkeep(served),
    ...vectraJobs(served),
    ...clusterRoutes(served),
    ...lostRoutes(served),
    ...orchestrationRoutes(served),
  ]
  return [...routes, openApiRoute(routes)]
}

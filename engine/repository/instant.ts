/** Instants at the edge of the format: ISO 8601 in UTC with milliseconds, which also sort as text. */
export const instantPattern = /^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z$/

export const toInstant = (epochMs: number): string => new Date(epochMs).toISOString()

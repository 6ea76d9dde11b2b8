/** Keys that mean something to JavaScript objects: no plan has them. */
export const forbiddenKeys: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype'])

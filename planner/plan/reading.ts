/** What reading a small text gives: its value, or what is wrong with it and what to write instead. */
export type Reading<Value> =
  | { readonly value: Value; readonly problem?: never }
  | { readonly problem: string; readonly hint: string; readonly value?: never }

export const value = <Value>(read: Value): Reading<Value> => ({ value: read })

export const problem = (what: string, hint: string): Reading<never> => ({ problem: what, hint })

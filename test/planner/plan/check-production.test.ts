import { describe } from 'vitest'
import { itTells, type Mistake } from '../../support/reference-mistakes.ts'

const mistakes: Mistake[] = [
  [
    'by dropping a collection',
    '    confirm: true                        # touches',
    '    # touches',
    [
      'canary drills.dropped-collection.steps[0]: drill dropped-collection touches production data: primary/products (Add confirm: true beside its steps, or use another target or another name.)',
      'inject drills.dropped-collection.steps[1]: drill dropped-collection touches production data: primary/products (Add confirm: true beside its steps, or use another target or another name.)',
      'restore drills.dropped-collection.steps[2]: drill dropped-collection touches production data: primary/products (Add confirm: true beside its steps, or use another target or another name.)',
    ],
  ],
  [
    'by restoring into its place',
    'into: staging, as: products_test',
    'into: primary, as: products',
    [
      'restore drills.restore-test.steps[0]: drill restore-test touches production data: primary/products (Add confirm: true beside its steps, or use another target or another name.)',
      'products_test drills.restore-test.steps[1].check.collection: there is no collection "products_test" (Did you mean "products_clean"?)',
      'snapshot drills.restore-test.steps[1].check.against: no step before this one restores that collection into that target (Put the check after the restore, with the same target and the restored name.)',
      'products_test drills.restore-test.always[0].drop.collection: there is no collection "products_test" (Did you mean "products_clean"?)',
    ],
  ],
  [
    'by importing into it',
    '          collection: words\n',
    '          collection: scratch\n',
    [
      'import drills.fresh-start.steps[0]: drill fresh-start touches production data: staging/scratch (Add confirm: true beside its steps, or use another target or another name.)',
    ],
  ],
  [
    'by failing over',
    '  fresh-start:\n    steps:\n',
    '  fresh-start:\n    steps:\n      - fence: { target: primary }\n      - promote: { target: standby, collections: [products] }\n      - switch: { alias: products-live, to: standby }\n      - reconcile: { collection: products, from: standby, lost: replay }\n      - replicate: { from: standby, to: primary, collections: [products] }\n',
    [
      'fence drills.fresh-start.steps[0]: drill fresh-start touches production data: primary (Add confirm: true beside its steps, or use another target or another name.)',
      'promote drills.fresh-start.steps[1]: drill fresh-start touches production data: standby (Add confirm: true beside its steps, or use another target or another name.)',
      'switch drills.fresh-start.steps[2]: drill fresh-start touches production data: products-live (Add confirm: true beside its steps, or use another target or another name.)',
      'reconcile drills.fresh-start.steps[3]: drill fresh-start touches production data: standby (Add confirm: true beside its steps, or use another target or another name.)',
      'replicate drills.fresh-start.steps[4]: drill fresh-start touches production data: primary (Add confirm: true beside its steps, or use another target or another name.)',
    ],
  ],
]

describe('drills that touch production data', () => {
  itTells(mistakes)
})

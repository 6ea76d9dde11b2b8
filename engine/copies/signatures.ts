/**
 * Signatures of what is copied: they come along and are not made here, so the end that is written to signs
 * nothing. Where it trusts some keys only, what none of them signed stays out: nobody could restore it there,
 * and no prune could read it.
 */
import type { Location } from '../backup/sources.ts'
import { OperatingError } from '../base/errors.ts'
import type { StoredSnapshot } from '../repository/repository.ts'
import type { Trust } from '../repository/signing.ts'
import { checkSnapshotSignature } from '../repository/snapshot-manifest.ts'

const isDescribed = (to: Location) => typeof to === 'object' && 'location' in to

/** The location without signer and trust: its own files are written as they are. */
export function withoutSigner(to: Location): Location {
  if (!isDescribed(to)) return to
  const { trust: _, signer: __, ...rest } = to
  return rest
}

/** Why the far end would not trust a snapshot; undefined when it does. */
export function untrustedAt(to: Location, snapshot: StoredSnapshot): OperatingError | undefined {
  const trust: Trust | undefined = isDescribed(to) ? to.trust : undefined
  if (trust === undefined) return undefined
  const { status, publicKey } = checkSnapshotSignature(snapshot.manifest, trust)
  if (status === 'trusted') return undefined
  const why =
    status === 'unsigned'
      ? 'is not signed'
      : status === 'wrong'
        ? 'was changed after it was signed'
        : `is signed by ${publicKey}`
  return new OperatingError(
    'signature-refused',
    `${snapshot.place} ${why}, and the place that it is to be copied to trusts other keys only`,
    'A copy keeps the signature of what is copied: let backups be signed where they are made, with a key that is trusted there. It was not copied.',
    { place: { file: snapshot.place } },
  )
}

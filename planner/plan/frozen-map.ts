/** A map that stays as it is. `Object.freeze` does not reach what a Map holds. */
class FrozenMap<Key, Value> extends Map<Key, Value> {
  constructor(entries: Iterable<readonly [Key, Value]>) {
    super()
    for (const [key, value] of entries) super.set(key, value)
    Object.freeze(this)
  }

  override set(_key: Key, _value: Value): never {
    return refuse()
  }

  override delete(_key: Key): never {
    return refuse()
  }

  override clear(): never {
    return refuse()
  }
}

function refuse(): never {
  throw new TypeError('this map is frozen')
}

export const frozenMap = <Key, Value>(
  entries: Iterable<readonly [Key, Value]>,
): ReadonlyMap<Key, Value> => new FrozenMap(entries)

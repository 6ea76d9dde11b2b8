/** A thread that misbehaves on request, to see what its owner makes of it. */
import { serveThread } from '../../engine/index.ts'

function hang(): never {
  for (;;);
}

function eat(): never {
  const eaten: string[][] = []
  for (;;) eaten.push(Array.from({ length: 100_000 }, (_, index) => `piece ${index}`))
}

const behave = (how: string): unknown => {
  switch (how) {
    case 'hang':
      return hang()
    case 'eat':
      return eat()
    case 'die':
      return process.exit(7)
    case 'throw':
      throw new RangeError('too deep')
    default:
      return { tooLarge: false, problems: [], value: how, offsets: new Int32Array() }
  }
}

serveThread({ parse: behave })

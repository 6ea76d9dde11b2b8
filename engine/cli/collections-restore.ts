import type { Command } from 'commander'
import type { Runner } from './runner.ts'
export function addRestore(collections: Command, run: Runner): void {
  void collections
  void run
}

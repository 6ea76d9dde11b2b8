/** `collections backup NAME …`, and in files beside it `backup verify|list|show` */
import type { Command } from 'commander'
import type { Runner } from './runner.ts'
export function addBackup(collections: Command, run: Runner): void {
  void collections
  void run
}

import { mkdirSync, mkdtempSync, rmSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

/** What statfs says of tmpfs and ramfs on Linux. */
const IN_MEMORY = new Set([0x01021994, 0x858458f6]);

/** From where the command was typed: a package manager starts a script in its package. */
export function fromWhereTyped(path: string): string {
  return resolve(process.env.INIT_CWD ?? process.cwd(), path);
}

/** Whether flushing is free there, because nothing is kept. */
export function isInMemory(directory: string): boolean {
  return IN_MEMORY.has(statfsSync(directory).type);
}

/** Gives `work` a new directory in `parent`, and removes it afterwards, whatever happens. */
export async function withDataDirectory<Result>(
  parent: string | undefined,
  work: (directory: string) => Promise<Result>,
): Promise<Result> {
  const home = parent === undefined ? defaultParent() : fromWhereTyped(parent);
  mkdirSync(home, { recursive: true });
  const directory = mkdtempSync(join(home, 'dle-bench-'));
  try {
    return await work(directory);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** The system's place for such files, unless that is memory: flushes need a disk. */
function defaultParent(): string {
  return isInMemory(tmpdir()) ? fromWhereTyped('.') : tmpdir();
}

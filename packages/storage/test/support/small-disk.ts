import { spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A file system in memory of a few MiB, which can be full. Only root can have one. */
export class SmallDisk {
  readonly directory: string;

  private constructor(directory: string) {
    this.directory = directory;
  }

  /** `undefined` where there can be none. */
  static mount(mebibytes: number): SmallDisk | undefined {
    if (process.platform !== 'linux') return undefined;
    const directory = mkdtempSync(join(tmpdir(), 'dle-disk-'));
    const options = `size=${mebibytes}m`;
    if (spawnSync('mount', ['-t', 'tmpfs', '-o', options, 'none', directory]).status === 0) {
      return new SmallDisk(directory);
    }
    rmSync(directory, { recursive: true });
    return undefined;
  }

  resize(mebibytes: number): void {
    const options = `remount,size=${mebibytes}m`;
    const { status, stderr } = spawnSync('mount', ['-o', options, this.directory]);
    if (status !== 0) throw new Error(`cannot resize it: ${stderr}`);
  }

  /** Takes all that is left, in a file of its own. */
  fill(): void {
    const descriptor = openSync(join(this.directory, 'filler'), 'a');
    try {
      for (;;) writeSync(descriptor, new Uint8Array(4_096));
    } catch (thrown) {
      if ((thrown as { code?: string }).code !== 'ENOSPC') throw thrown;
    } finally {
      closeSync(descriptor);
    }
  }

  unmount(): void {
    // What a killed process has mapped may be in use for a moment longer: the mount goes, it stays.
    spawnSync('umount', ['--lazy', this.directory]);
    rmSync(this.directory, { recursive: true });
  }
}

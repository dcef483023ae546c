import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const IMAGE_BYTES = 64 * 1024 * 1024;

/** Ends a file system in the midst of its work: `EXT4_IOC_SHUTDOWN`. */
const SHUTDOWN = `
import fcntl, os, struct, sys
directory = os.open(sys.argv[1], os.O_RDONLY)
fcntl.ioctl(directory, 0x8004587d, struct.pack('I', int(sys.argv[2])))
`;

/** What becomes of the journal that the kernel holds when the power goes. */
export const PowerCut = { journalIsWritten: 1, journalIsLost: 2 } as const;
export type PowerCut = (typeof PowerCut)[keyof typeof PowerCut];

/** An ext4 of its own in a file, whose power can be cut. Only root can have one. */
export class Ext4Disk {
  readonly #root: string;
  readonly directory: string;

  private constructor(root: string) {
    this.#root = root;
    this.directory = join(root, 'mounted');
  }

  /** `undefined` where there can be none. */
  static make(): Ext4Disk | undefined {
    if (process.platform !== 'linux') return undefined;
    const disk = new Ext4Disk(mkdtempSync(join(tmpdir(), 'dle-ext4-')));
    mkdirSync(disk.directory);
    writeFileSync(disk.#image, '');
    truncateSync(disk.#image, IMAGE_BYTES);
    const made = spawnSync('mkfs.ext4', ['-q', '-F', disk.#image]).status === 0;
    if (made && disk.#mount()) return disk;
    rmSync(disk.#root, { recursive: true });
    return undefined;
  }

  /** Whether it could be done: nothing reaches the disk any more. */
  cutPower(how: PowerCut): boolean {
    return spawnSync('python3', ['-c', SHUTDOWN, this.directory, `${how}`]).status === 0;
  }

  /** After the power was cut, and all that had files open there is gone. */
  restart(): void {
    const { status, stderr } = spawnSync('umount', [this.directory]);
    if (status !== 0) throw new Error(`${stderr}`);
    if (!this.#mount()) throw new Error(`cannot mount ${this.#image} again`);
  }

  remove(): void {
    spawnSync('umount', [this.directory]);
    rmSync(this.#root, { recursive: true });
  }

  get #image(): string {
    return join(this.#root, 'image');
  }

  #mount(): boolean {
    return spawnSync('mount', ['-o', 'loop', this.#image, this.directory]).status === 0;
  }
}

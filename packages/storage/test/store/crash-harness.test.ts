import { describe, expect, it } from 'vitest';
import { Coverage, type CrashEvent } from '../../src/testing/crash/coverage.js';
import { CrashFailure } from '../../src/testing/crash/crash-failure.js';
import { type CrashRunOptions, runCrashes } from '../../src/testing/crash/crash-run.js';
import { runSeeds } from '../../src/testing/crash/run-seeds.js';
import { callsOf, disguised, withFlush } from '../../src/testing/disguise.js';
import type { MemVfs } from '../../src/testing/index.js';
import type { VfsFile } from '../../src/vfs/vfs.js';

/** What these tests of the test ask of it: a defect shows within so many seeds. */
const SEEDS = 60;

/** Runs until a seed fails. */
async function failureOf(options: CrashRunOptions): Promise<unknown> {
  return runSeeds(1, SEEDS, options, () => {}).catch((thrown: unknown) => thrown);
}

// A test of the test, which the addon makes no difference to.
describe.runIf(process.env.DLE_NATIVE !== 'require')('a run of crashes', () => {
  it('is the same for the same seed, to the last step', async () => {
    const lines: string[][] = [[], []];
    const hashes: string[] = [];
    for (const trace of lines) {
      for (let seed = 1; seed <= 40; seed++) {
        const { hash } = await runCrashes(seed, { trace: (line) => trace.push(line) });
        hashes.push(hash);
      }
    }
    expect(lines[1]).toEqual(lines[0]);
    expect(hashes.slice(40)).toEqual(hashes.slice(0, 40));
    expect(new Set(hashes).size).toBe(40);
  }, 600_000);

  it('comes across what it is for', async () => {
    const coverage = new Coverage();
    await runSeeds(1, 200, {}, (result) => coverage.add(result.coverage));
    const events: readonly CrashEvent[] = [
      'value larger than a segment',
      'more in one turn than a segment holds',
      'write refused, disk full',
      'write of unknown outcome, poisoned',
      'opened after a crash',
      'opened after a kill',
      'recovered fewer writes than were made',
      'recovered a write that was not acknowledged',
      'gone while opening',
      'gone while running',
      'gone while closing',
      'backup restored',
      'backup that was interrupted refused',
      'repair interrupted',
      'repair that names what is lost',
    ];
    for (const event of events) expect([event, coverage.timesOf(event)]).not.toContain(0);
  }, 600_000);

  it('says which seed has failed, what happened, and how to see it again', async () => {
    const flushNothing = (vfs: MemVfs) =>
      disguised(vfs, {}, (file) => withFlush(file, async () => {}));
    const failure = await failureOf({ disguise: flushNothing });
    expect(failure).toBeInstanceOf(CrashFailure);
    const { seed, message } = failure as CrashFailure;
    expect(message).toContain(`seed ${seed}: `);
    expect(message).toContain('the machine has crashed');
    expect(message).toContain(`crash-test --seed ${seed} --trace`);
    await expect(runCrashes(seed, { disguise: flushNothing })).rejects.toMatchObject({ message });
  });

  it('notices a disk that forgets the names of new files', async () => {
    const disguise = (vfs: MemVfs) => disguised(vfs, { syncDirectory: async () => {} });
    expect(await failureOf({ disguise })).toBeInstanceOf(CrashFailure);
  });

  it('notices a flush that never ends', async () => {
    const disguise = (vfs: MemVfs) =>
      disguised(vfs, {}, (file) => withFlush(file, () => new Promise(() => {})));
    const failure = await failureOf({ disguise });
    expect(failure).toMatchObject({ what: expect.stringContaining('waits for nothing') });
  });

  it('notices bytes that are read other than they were written', async () => {
    const rot = (file: VfsFile): VfsFile =>
      Object.assign(Object.create(callsOf(file)), {
        readSync: (target: Uint8Array, position: number) => {
          const count = file.readSync(target, position);
          if (count > 64) target[count - 1]! ^= 1;
          return count;
        },
      });
    const failure = await failureOf({ disguise: (vfs) => disguised(vfs, {}, rot) });
    expect(failure).toBeInstanceOf(CrashFailure);
  });
});

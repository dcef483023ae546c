import { describe, expect, it } from 'vitest';
import { LogStore } from '../../src/index.js';
import { History } from '../support/damaged.js';
import { DIRECTORY, Machine } from '../support/logs.js';
import { pairsOf } from '../support/pairs.js';

const BACKUP = '/backup';
const RESTORED = '/restored';

const QUIET = {
  segmentSize: 4_096,
  durability: 'none',
  idleFlushMs: 60_000,
  compaction: { automatic: false, bytesPerSecond: 0 },
} as const;

type Content = ReadonlyMap<string, Uint8Array>;

/** A small store with all kinds of files. */
async function makeStore(machine: Machine, history: History, writes = 30): Promise<void> {
  const store = await LogStore.open(DIRECTORY, QUIET, machine);
  await history.write(store, writes);
  await store.compact();
  await history.write(store, writes);
  await store.verify();
  await store.close();
}

/** The files under `directory`. */
function filesOf({ vfs }: Machine, directory: string): Content {
  const paths = vfs.paths.filter((path) => path.startsWith(`${directory}/`));
  return new Map(paths.map((path) => [path, vfs.contentOf(path)]));
}

/** A machine of its own, with these files on its disk, and nothing left to be flushed. */
async function machineWith(files: Content, seed: number): Promise<Machine> {
  const machine = new Machine(seed);
  const directories = new Set<string>();
  for (const [path, bytes] of files) {
    const file = machine.vfs.createSync(path);
    file.writeSync([bytes], 0);
    await file.datasync();
    await file.close();
    directories.add(path.slice(0, path.lastIndexOf('/')));
  }
  for (const directory of directories) await machine.vfs.syncDirectory(directory);
  return machine;
}

async function contentOf(machine: Machine, directory: string): Promise<Map<string, string>> {
  const store = await LogStore.open(directory, QUIET, machine);
  try {
    expect((await store.verify()).damage).toEqual([]);
    return await pairsOf(store);
  } finally {
    await store.close();
  }
}

/**
 * Crashes a machine in every operation of `work`, one after the other, and has `check` look at each
 * that has started again. Returns in how many.
 */
async function crashEverywhere(
  files: Content,
  work: (machine: Machine, begin: () => void) => Promise<void>,
  check: (machine: Machine, at: number) => Promise<void>,
): Promise<number> {
  for (let at = 1; ; at++) {
    const machine = await machineWith(files, at);
    const kind = at % 3 === 0 ? 'killAtOperation' : 'crashAtOperation';
    const outcome = await work(machine, () => machine.vfs.plan({ [kind]: at })).then(
      () => 'done',
      () => 'interrupted',
    );
    if (!machine.vfs.down) {
      expect(outcome).toBe('done');
      return at - 1;
    }
    machine.vfs.restart();
    try {
      await check(machine, at);
    } catch (cause) {
      throw new Error(`operation ${at}: ${machine.vfs.end?.operation}`, { cause });
    }
  }
}

describe('a machine that crashes in any operation', () => {
  it('of a backup, leaves none that can be opened, or a whole one; and it goes on', async () => {
    const history = new History();
    const first = new Machine();
    await makeStore(first, history);
    const times = await crashEverywhere(
      filesOf(first, DIRECTORY),
      async (machine, begin) => {
        const store = await LogStore.open(DIRECTORY, QUIET, machine);
        begin();
        await store.backup(BACKUP);
        machine.vfs.plan({});
        await store.close();
      },
      async (machine) => {
        const names = await machine.vfs.list(BACKUP);
        if (names.includes('backup.unfinished')) {
          await expect(LogStore.open(BACKUP, QUIET, machine)).rejects.toThrow(/unfinished backup/);
        } else if (names.some((name) => name.endsWith('.segment'))) {
          expect(await contentOf(machine, BACKUP)).toEqual(history.values);
        }
        const store = await LogStore.open(DIRECTORY, QUIET, machine);
        await store.backup(BACKUP);
        // All of it is on the device.
        machine.vfs.restart();
        expect(await contentOf(machine, BACKUP)).toEqual(history.values);
        expect(await contentOf(machine, DIRECTORY)).toEqual(history.values);
      },
    );
    expect(times).toBeGreaterThan(30);
  }, 120_000);

  it('of a second backup, does the same', async () => {
    const history = new History();
    const first = new Machine();
    await makeStore(first, history);
    const store = await LogStore.open(DIRECTORY, QUIET, first);
    await store.backup(BACKUP);
    await history.write(store, 30);
    await store.compact();
    await store.close();
    // Every file has but one name there: all are copies, and are made links again.
    const files = new Map([...filesOf(first, DIRECTORY), ...filesOf(first, BACKUP)]);
    const times = await crashEverywhere(
      files,
      async (machine, begin) => {
        const again = await LogStore.open(DIRECTORY, QUIET, machine);
        begin();
        await again.backup(BACKUP);
        machine.vfs.plan({});
        await again.close();
      },
      async (machine) => {
        const again = await LogStore.open(DIRECTORY, QUIET, machine);
        await again.backup(BACKUP);
        machine.vfs.restart();
        expect(await contentOf(machine, BACKUP)).toEqual(history.values);
      },
    );
    expect(times).toBeGreaterThan(30);
  }, 120_000);

  it.each([true, false])(
    'of a backup, has it go on though the store has, too: links %s',
    async (links) => {
      const history = new History();
      const first = new Machine();
      await makeStore(first, history);
      const files = filesOf(first, DIRECTORY);
      const times = await crashEverywhere(
        files,
        async (machine, begin) => {
          if (!links) machine.vfs.link = async () => false;
          const store = await LogStore.open(DIRECTORY, QUIET, machine);
          begin();
          await store.backup(BACKUP);
          machine.vfs.plan({});
          await store.close();
        },
        async (machine, at) => {
          const values = new Map(history.values);
          const store = await LogStore.open(DIRECTORY, QUIET, machine);
          await store.del([...values.keys()][0]!);
          values.delete([...values.keys()][0]!);
          await store.put('since', `${at}`, { durability: 'flush' });
          values.set('since', `${at}`);
          if (at % 2 === 0) await store.compact();
          const { linkedFiles } = await store.backup(BACKUP);
          if (!links) expect(linkedFiles).toBe(0);
          machine.vfs.restart();
          expect(await contentOf(machine, BACKUP)).toEqual(values);
          expect(await contentOf(machine, DIRECTORY)).toEqual(values);
        },
      );
      expect(times).toBeGreaterThan(30);
    },
    120_000,
  );

  it('of a restore, leaves none that can be opened, or a whole one; and it can be repeated', async () => {
    const history = new History();
    const first = new Machine();
    await makeStore(first, history);
    const store = await LogStore.open(DIRECTORY, QUIET, first);
    await store.backup(BACKUP);
    await store.close();
    const times = await crashEverywhere(
      filesOf(first, BACKUP),
      async (machine, begin) => {
        begin();
        await LogStore.restore(BACKUP, RESTORED, {}, machine);
        machine.vfs.plan({});
      },
      async (machine) => {
        const names = await machine.vfs.list(RESTORED);
        const isDone = !names.includes('restore.unfinished') && names.includes('manifest');
        if (!isDone) {
          if (names.includes('restore.unfinished')) {
            const opening = LogStore.open(RESTORED, QUIET, machine);
            await expect(opening).rejects.toThrow(/unfinished restore/);
          }
          await LogStore.restore(BACKUP, RESTORED, {}, machine);
          machine.vfs.restart();
        }
        expect(await contentOf(machine, RESTORED)).toEqual(history.values);
        expect(await contentOf(machine, BACKUP)).toEqual(history.values);
      },
    );
    expect(times).toBeGreaterThan(60);
  }, 120_000);

  it('of a repair, leaves one that goes on, with the same report', async () => {
    const history = new History();
    const first = new Machine();
    await makeStore(first, history, 24);
    const files = new Map(filesOf(first, DIRECTORY));
    const segments = [...files.keys()].filter((path) => path.endsWith('.segment')).sort();
    // The content of one segment is gone, but for its key directory.
    files.set(segments[0]!, files.get(segments[0]!)!.slice().fill(0, 200));
    const whole = await machineWith(files, 1);
    const expected = await LogStore.repair(DIRECTORY, {}, whole);
    expect(expected.lost.length).toBeGreaterThan(0);
    const content = await contentOf(whole, DIRECTORY);
    const times = await crashEverywhere(
      files,
      async (machine, begin) => {
        begin();
        await LogStore.repair(DIRECTORY, {}, machine);
        machine.vfs.plan({});
      },
      async (machine) => {
        const report = await LogStore.repair(DIRECTORY, {}, machine);
        // The last step of all may have been done.
        if (report.damage.length > 0) expect(report).toEqual(expected);
        machine.vfs.restart();
        expect(await contentOf(machine, DIRECTORY)).toEqual(content);
        const aside = filesOf(machine, `${DIRECTORY}/damaged`);
        for (const [path, bytes] of files) {
          if (path.endsWith('/reserve')) continue;
          expect(aside.get(path.replace(DIRECTORY, `${DIRECTORY}/damaged`))).toEqual(bytes);
        }
      },
    );
    expect(times).toBeGreaterThan(100);
  }, 240_000);
});

import { RawDisk } from '../raw-disk.js';
import { Draws } from './draws.js';
import { RawLog } from './raw-log.js';
import type { RoundResult, Subject, SubjectOptions } from './subject.js';

/** Plain files: what nobody can do better with the same system calls. */
export function rawSubject({ directory, keys }: SubjectOptions): Subject {
  const draws = new Draws(keys);
  let disk: RawDisk | undefined;
  let log: RawLog | undefined;

  return {
    fill: () => {
      disk = new RawDisk(directory, keys);
      log = new RawLog(directory);
    },
    close: () => {
      disk?.close();
      log?.close();
    },
    /** As many `pread`s, from the page cache. */
    read: (count): RoundResult => {
      const [file, { records }, first] = [disk!, draws, draws.take(count)];
      const began = performance.now();
      for (let at = first; at < first + count; at++) file.read(records[at]!);
      return { operations: count, elapsedMs: performance.now() - began };
    },
    'single-puts': async (count): Promise<Float64Array> => {
      const times = new Float64Array(count);
      for (let at = 0; at < count; at++) {
        const start = performance.now();
        await log!.put();
        times[at] = performance.now() - start;
      }
      return times;
    },
    'single-puts-sync': (count): Float64Array => {
      const times = new Float64Array(count);
      for (let at = 0; at < count; at++) {
        const start = performance.now();
        log!.putSync();
        times[at] = performance.now() - start;
      }
      return times;
    },
  };
}

import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { readBesideCompaction } from './beside-compaction.js';
import { Draws } from './draws.js';
import { readManySegments } from './many-segments.js';
import { batchesBesideReads } from './ordered-batches.js';
import { overwrite } from './overwriting.js';
import type { Subject, SubjectOptions } from './subject.js';

/** What a store does beside serving: each action has a store of its own, in this process alone. */
export function upkeepSubject({ directory, keys }: SubjectOptions): Subject {
  const inPlace = async <Result>(work: (place: string) => Promise<Result>): Promise<Result> => {
    const place = join(directory, 'upkeep');
    mkdirSync(place);
    try {
      return await work(place);
    } finally {
      rmSync(place, { recursive: true });
    }
  };
  return {
    fill: () => {},
    close: () => {},
    /** With values of so many bytes. */
    overwrite: (valueBytes) => inPlace((place) => overwrite(place, { keys, valueBytes })),
    'many-segments': () => inPlace((place) => readManySegments(place, keys)),
    'beside-compaction': () => inPlace((place) => readBesideCompaction(place, keys)),
    /** In rounds of so many milliseconds. */
    'ordered-batches': (roundMs) =>
      inPlace((place) => batchesBesideReads(place, new Draws(keys), roundMs)),
  };
}

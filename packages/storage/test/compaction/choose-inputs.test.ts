import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type ChoiceLimits,
  chooseInputs,
  MAX_RUNS,
  type Weighed,
} from '../../src/compaction/choose-inputs.js';

const SEGMENT = 4_096;
/** Each of them is looked at by every scan. */
const MAX_LOG_SEGMENTS = 48;
const LIMITS: ChoiceLimits = {
  segmentBytes: SEGMENT,
  maxKeptBytes: Number.MAX_SAFE_INTEGER,
  spaceRatio: 1.4,
  isUrgent: false,
};

const shareKept = fc.oneof(
  fc.constant(0),
  fc.constant(1),
  fc.double({ min: 0, max: 1, noNaN: true }),
);

/** What of each file counts: of segments of the log, and of those of each sorted run. */
const store = fc
  .record({
    log: fc.array(shareKept, { maxLength: 80 }),
    runs: fc.array(fc.array(shareKept, { minLength: 1, maxLength: 6 }), { maxLength: 24 }),
  })
  .map(({ log, runs }) => {
    let id = 1;
    return [log, ...runs].flatMap((shares, run) =>
      shares.map((share) => weighed(id++, run, SEGMENT, share)),
    );
  });

function weighed(id: number, run: number, bytes: number, share: number): Weighed {
  const kind = run === 0 ? 'log' : 'sorted';
  const keep = Math.floor(bytes * share);
  return { id, kind, run, bytes, keep, isSpent: keep === 0 };
}

function runsOf(files: readonly Weighed[]): number {
  return new Set(files.filter(({ kind }) => kind === 'sorted').map(({ run }) => run)).size;
}

/** What there is when `chosen` have been rewritten: all that is kept of them, in one more run. */
function afterJob(files: readonly Weighed[], chosen: readonly Weighed[]): Weighed[] {
  const gone = new Set(chosen);
  const rest = files.filter((file) => !gone.has(file));
  const run = 1 + files.reduce((highest, file) => Math.max(highest, file.run), 0);
  let id = 1 + files.reduce((highest, file) => Math.max(highest, file.id), 0);
  let left = sum(chosen);
  for (; left > 0; left -= SEGMENT) rest.push(weighed(id++, run, Math.min(left, SEGMENT), 1));
  return rest;
}

/** Until there is nothing to do any more. */
function atRest(files: readonly Weighed[], isUrgent = false) {
  let now = files;
  let written = 0;
  let jobs = 0;
  for (; ; jobs++) {
    const chosen = chooseInputs(now, { ...LIMITS, isUrgent });
    if (chosen.length === 0) return { now, written, jobs };
    if (jobs > 5_000) throw new Error('it does not come to rest');
    written += sum(chosen);
    now = afterJob(now, chosen);
  }
}

function sum(files: readonly Weighed[]): number {
  return files.reduce((total, { keep }) => total + keep, 0);
}

const share = ({ keep, bytes }: Weighed): number => keep / bytes;

describe('the choice of what to compact', () => {
  it('takes what holds nothing, always', () => {
    fc.assert(
      fc.property(store, (files) => {
        const chosen = chooseInputs(files, LIMITS);
        for (const file of files) if (file.keep === 0) expect(chosen).toContain(file);
      }),
    );
  });

  it('depends on nothing but the figures, and takes each file once', () => {
    fc.assert(
      fc.property(store, (files) => {
        const before = structuredClone(files);
        const chosen = chooseInputs(files, LIMITS);
        expect(files).toEqual(before);
        expect(new Set(chosen).size).toBe(chosen.length);
        expect(chooseInputs(before, LIMITS)).toEqual(chosen);
      }),
    );
  });

  it('takes those with the lowest share of what counts, and none of which nearly all does', () => {
    // Few runs and segments: files are taken for their space alone.
    const few = store.map((files) => files.filter(({ run, id }) => run < 9 && id < 40));
    fc.assert(
      fc.property(few, (files) => {
        const chosen = chooseInputs(files, LIMITS);
        const highest = Math.max(...chosen.map(share));
        for (const file of files) {
          if (!chosen.includes(file)) expect(share(file)).toBeGreaterThanOrEqual(highest);
        }
        if (chosen.length > 0) expect(highest).toBeLessThanOrEqual(0.85);
      }),
    );
  });

  it('leaves no more runs than there may be, and not too many segments of the log', () => {
    fc.assert(
      fc.property(store, (files) => {
        const chosen = chooseInputs(files, LIMITS);
        const after = afterJob(files, chosen);
        if (chosen.length > 0) expect(runsOf(after)).toBeLessThanOrEqual(MAX_RUNS);
        else expect(runsOf(files)).toBeLessThanOrEqual(MAX_RUNS);
        const log = files.filter(({ kind }) => kind === 'log').length;
        if (chosen.length === 0) expect(log).toBeLessThanOrEqual(MAX_LOG_SEGMENTS);
      }),
    );
  });

  it('comes to an end, and has written little until then', () => {
    fc.assert(
      fc.property(store, fc.boolean(), (files, isUrgent) => {
        const { now, jobs, written } = atRest(files, isUrgent);
        expect(jobs).toBeLessThan(60);
        if (!isUrgent) expect(runsOf(now)).toBeLessThanOrEqual(MAX_RUNS);
        expect(sum(now)).toBe(sum(files));
        expect(written).toBeLessThanOrEqual(4 * sum(files));
        const bytes = now.reduce((total, file) => total + file.bytes, 0);
        const isTight = bytes <= sum(now) * LIMITS.spaceRatio || bytes - sum(now) < SEGMENT / 2;
        // Unless nothing is worth it: each file holds nearly as much as it could.
        if (!isTight) for (const file of now) expect(share(file)).toBeGreaterThan(0.85);
      }),
    );
  });

  /** Of so many files that one job cannot take them all. */
  const large = fc
    .record({
      log: fc.nat(2_000),
      runs: fc.array(fc.nat({ max: 300 }), { maxLength: 80 }),
      shares: fc.array(shareKept, { minLength: 1, maxLength: 5 }),
    })
    .map(({ log, runs, shares }) => {
      let id = 0;
      return [log, ...runs].flatMap((count, run) =>
        Array.from({ length: count }, () =>
          weighed(++id, run, SEGMENT, shares[id % shares.length]!),
        ),
      );
    });

  it('comes to an end in large stores, too', () => {
    fc.assert(
      fc.property(large, (files) => {
        const { now, jobs } = atRest(files);
        expect(jobs).toBeLessThan(30 + files.length / 8);
        expect(runsOf(now)).toBeLessThanOrEqual(MAX_RUNS);
        expect(now.filter(({ kind }) => kind === 'log').length).toBeLessThanOrEqual(
          MAX_LOG_SEGMENTS,
        );
        expect(sum(now)).toBe(sum(files));
      }),
      { numRuns: 30 },
    );
  });

  it.each([
    ['17 runs of many full files', 0, 17, 100, 1],
    ['16 runs, and segments of the log that are full', 49, 16, 300, 4],
    ['20,000 full segments of the log', 20_000, 0, 0, 3],
  ])('rewrites %s few times', (_, log, runs, filesOfRun, times) => {
    let id = 0;
    const files = Array.from({ length: log }, () => weighed(++id, 0, SEGMENT, 1));
    for (let run = 1; run <= runs; run++) {
      for (let file = 0; file < filesOfRun; file++) files.push(weighed(++id, run, SEGMENT, 1));
    }
    expect(atRest(files).written).toBeLessThanOrEqual(times * sum(files));
  });

  it('rewrites what is only ever added to a few times', () => {
    let now: readonly Weighed[] = [];
    let written = 0;
    for (let segment = 0; segment < 3_000; segment++) {
      const id = 1 + now.reduce((highest, file) => Math.max(highest, file.id), 0);
      const rest = atRest([...now, weighed(id, 0, SEGMENT, 1)]);
      written += rest.written;
      now = rest.now;
    }
    expect(written).toBeLessThan(5 * sum(now));
  });

  it('takes runs whole or not at all, unless it is for their space', () => {
    fc.assert(
      fc.property(large, (files) => {
        const chosen = new Set(chooseInputs(files, LIMITS));
        const cut = files.filter((file) => !chosen.has(file) && file.kind === 'sorted');
        const partly = new Set(cut.map(({ run }) => run));
        for (const file of chosen) {
          if (partly.has(file.run)) expect(share(file)).toBeLessThanOrEqual(0.85);
        }
      }),
      { numRuns: 50 },
    );
  });

  it('keeps no more than there is room for', () => {
    fc.assert(
      fc.property(store, fc.nat(20 * SEGMENT), (files, maxKeptBytes) => {
        const chosen = chooseInputs(files, { ...LIMITS, maxKeptBytes, isUrgent: true });
        expect(sum(chosen)).toBeLessThanOrEqual(maxKeptBytes);
      }),
    );
  });
});

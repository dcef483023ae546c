import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Inflights } from '../../src/core/inflights.js';
import { Progress } from '../../src/core/progress.js';
import { Writes } from '../../src/core/writes.js';

describe('Inflights', () => {
  it('counts as a list would', () => {
    const operation = fc.oneof(
      fc.record({ add: fc.integer({ min: 1, max: 5 }), bytes: fc.nat(100) }),
      fc.record({ free: fc.nat(5) }),
      fc.record({ clear: fc.constant(true) }),
    );
    fc.assert(
      fc.property(
        fc.array(operation, { maxLength: 120 }),
        fc.integer({ min: 1, max: 40 }),
        (operations, limit) => {
          const inflights = new Inflights(limit);
          let list: { last: number; bytes: number }[] = [];
          let last = 0;
          for (const made of operations) {
            if ('clear' in made) {
              inflights.clear();
              list = [];
            } else if ('free' in made) {
              const index = (list[0]?.last ?? 0) + made.free;
              inflights.freeTo(index);
              list = list.filter((request) => request.last > index);
            } else if (!inflights.isFull) {
              last += made.add;
              inflights.add(last, made.bytes);
              list.push({ last, bytes: made.bytes });
            }
            expect(inflights.count).toBe(list.length);
            expect(inflights.bytes).toBe(list.reduce((sum, { bytes }) => sum + bytes, 0));
            expect(inflights.isFull).toBe(list.length === limit);
          }
        },
      ),
    );
  });
});

describe('Progress', () => {
  /**
   * A follower's log against a leader's: they agree up to `agreed`, and every answer is a true one.
   */
  it('finds where the logs meet, whatever gets lost, doubled or late', () => {
    const lot = fc.record({ fate: fc.nat(5), pick: fc.nat(50) });
    fc.assert(
      fc.property(
        fc.nat(20),
        fc.nat(20),
        fc.array(lot, { maxLength: 60 }),
        (agreed, more, lots) => {
          const lastIndex = agreed + more + 1;
          const progress = new Progress(2, lastIndex, 0, 4);
          const answers: { rejected: boolean; index: number }[] = [];
          let held = agreed;
          const send = (): void => {
            const previous = progress.next - 1;
            const end = Math.min(previous + 3, lastIndex);
            if (previous <= held) {
              held = Math.max(held, end);
              answers.push({ rejected: false, index: end });
            } else answers.push({ rejected: true, index: previous });
            const isAhead = progress.state === 'replicate' && end > previous;
            if (isAhead && !progress.inflights.isFull) progress.sent(end, 1);
          };
          const hear = ({ rejected, index }: { rejected: boolean; index: number }): void => {
            if (rejected) progress.rejected(index, Math.min(index, held));
            else progress.accepted(index);
          };
          for (const { fate, pick } of lots) {
            if (fate <= 1 || answers.length === 0) send();
            else if (fate === 2) answers.splice(pick % answers.length, 1);
            else if (fate === 3) hear(answers[pick % answers.length]!);
            else hear(answers.splice(pick % answers.length, 1)[0]!);
            expect(progress.match).toBeLessThan(progress.next);
            expect(progress.match).toBeLessThanOrEqual(held);
            expect(progress.inflights.count).toBeLessThanOrEqual(4);
          }
          // Whatever has happened: asking and hearing the answer ends at the end, and soon.
          for (let step = 0; step < 60 && progress.match < lastIndex; step++) {
            send();
            hear(answers.pop()!);
          }
          expect(progress.match).toBe(lastIndex);
        },
      ),
    );
  });

  it('counts a follower as caught up that gets what it lacks within the time (dissertation 4.2.1)', () => {
    const progress = new Progress(2, 11, 0, 4);
    expect(progress.isCaughtUp(0, 10, 100)).toBe(false);
    const holds = (index: number, now: number, lastIndex: number): boolean => {
      progress.accepted(index);
      progress.lastHeard = now;
      progress.countRound(now, lastIndex);
      return progress.isCaughtUp(now, lastIndex, 100);
    };
    // The first round, of ten entries, takes 150 ms, in which the log grows by five.
    expect(holds(5, 50, 12)).toBe(false);
    expect(holds(10, 150, 15)).toBe(false);
    // The second, of those five, takes 80.
    expect(holds(14, 200, 16)).toBe(false);
    expect(holds(15, 230, 17)).toBe(true);
    // It stays so for as long as the third may take; answers alone do not help.
    progress.lastHeard = 330;
    expect(progress.isCaughtUp(330, 18, 100)).toBe(true);
    progress.lastHeard = 331;
    expect(progress.isCaughtUp(331, 18, 100)).toBe(false);
    // Whoever has everything has caught up, however long it took, unless it is silent.
    expect(holds(18, 500, 18)).toBe(true);
    expect(progress.isCaughtUp(599, 18, 100)).toBe(true);
    expect(progress.isCaughtUp(600, 18, 100)).toBe(false);
  });

  it('takes an answer to a request long overtaken for what it is', () => {
    const progress = new Progress(2, 10, 0, 4);
    expect(progress.rejected(4, 2)).toBe(false);
    expect(progress.rejected(9, 5)).toBe(true);
    expect(progress.next).toBe(6);
    expect(progress.accepted(5)).toBe(true);
    expect(progress).toMatchObject({ state: 'replicate', match: 5, next: 6 });
    expect(progress.rejected(5, 0)).toBe(false);
    expect(progress.accepted(3)).toBe(false);
    expect(progress).toMatchObject({ state: 'replicate', match: 5, next: 6 });
  });
});

describe('Writes', () => {
  it('knows since when the device has been busy, as a list of writes would', () => {
    const operation = fc.record({ ms: fc.nat(2), flushes: fc.option(fc.nat(4)) });
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 60 }), (operations) => {
        const writes = new Writes(0);
        let list: { write: number; at: number }[] = [];
        let [now, last] = [0, 0];
        for (const { ms, flushes } of operations) {
          now += ms;
          if (flushes === null) {
            last = writes.next(now);
            list.push({ write: last, at: now });
          } else {
            const write = list[flushes]?.write ?? last;
            writes.flushed(write);
            list = list.filter((under) => under.write > write);
          }
          expect(writes.waitingSince).toBe(list[0]?.at ?? Number.POSITIVE_INFINITY);
        }
      }),
    );
  });

  it('knows what is durable as a device that is asked for each index', () => {
    const operation = fc.record({ kind: fc.nat(3), a: fc.nat(10), b: fc.nat(3) });
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 60 }), (operations) => {
        const writes = new Writes(3);
        // Which write put the entry there that now has the index; 0: it was there before.
        const writtenBy: number[] = [0, 0, 0];
        let [last, flushed] = [0, 0];
        for (const { kind, a, b } of operations) {
          if (kind === 0) last = writes.next(0);
          else if (kind === 1) {
            const first = 1 + (a % (writtenBy.length + 1));
            writtenBy.length = first - 1;
            last = writes.entries(first, first + b, 0);
            for (let index = first; index <= first + b; index++) writtenBy.push(last);
          } else {
            const write = Math.min(last, flushed + a);
            writes.flushed(write);
            flushed = Math.max(flushed, write);
          }
          const isDurable = (write: number): boolean => write <= flushed;
          const firstLoose = writtenBy.findIndex((write) => !isDurable(write));
          const durable = firstLoose < 0 ? writtenBy.length : firstLoose;
          expect(writes.durableIndex).toBe(durable);
          for (let index = 0; index <= writtenBy.length; index++) {
            const needs = Math.max(
              0,
              ...writtenBy.slice(0, index).filter((write) => write > flushed),
            );
            expect(writes.holding(index)).toBe(needs);
          }
        }
      }),
    );
  });
});

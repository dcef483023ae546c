import { DleError } from '@dle/common';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { WaitingByIndex } from '../../src/driver/waiting.js';

/** One who waits, as the dumb model keeps each of them. */
interface Waiter {
  readonly name: number;
  readonly index: number;
  readonly since: number;
  readonly group: number;
}

/** Bytes of each group that waits for a run of indexes. */
const BYTES = 10;

type Step =
  | { readonly type: 'all'; readonly count: number; readonly ahead: number }
  | { readonly type: 'run'; readonly count: number; readonly ahead: number }
  | { readonly type: 'settle'; readonly by: number }
  | { readonly type: 'expire'; readonly by: number }
  | { readonly type: 'fail' };

const count = fc.nat(4);
const ahead = fc.nat(3);
const by = fc.integer({ min: -1, max: 6 });
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ type: fc.constant('all' as const), count, ahead }) },
  { weight: 3, arbitrary: fc.record({ type: fc.constant('run' as const), count, ahead }) },
  { weight: 4, arbitrary: fc.record({ type: fc.constant('settle' as const), by }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('expire' as const), by }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('fail' as const) }) },
);

describe('WaitingByIndex', () => {
  it('answers as one does that looks at everybody each time', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const waiting = new WaitingByIndex();
        const told: [number, string | number][] = [];
        const expected: [number, string | number][] = [];
        let model: Waiter[] = [];
        let names = 0;
        let now = 0;
        let applied = 0;
        const runs = new Set<number>();
        const end = (isOver: (one: Waiter) => boolean, say: (one: Waiter) => string | number) => {
          while (model.length > 0 && isOver(model[0]!)) {
            const one = model.shift()!;
            expected.push([one.name, say(one)]);
          }
        };
        for (const [group, one] of steps.entries()) {
          now++;
          if (one.type === 'settle') {
            applied += Math.max(0, one.by);
            waiting.settleUpTo(applied);
            end(
              ({ index }) => index <= applied,
              ({ index }) => index,
            );
          } else if (one.type === 'expire') {
            const before = now - one.by;
            waiting.expire(before, () => new DleError('DLE_TIMEOUT', 'late'));
            end(
              ({ since }) => since < before,
              () => 'DLE_TIMEOUT',
            );
          } else if (one.type === 'fail') {
            waiting.failAll(new DleError('DLE_CLOSED', 'over'));
            end(
              () => true,
              () => 'DLE_CLOSED',
            );
          } else {
            const last = Math.max(applied, model.at(-1)?.index ?? 0);
            const settles = Array.from({ length: one.count }, () => {
              const name = names++;
              return (error: DleError | undefined, index: number) => {
                told.push([name, error?.code ?? index]);
              };
            });
            const first = names - one.count;
            const index = one.type === 'run' ? last + 1 : applied + one.ahead;
            if (one.type === 'run') {
              waiting.addRun(settles, index, BYTES, now);
              if (one.count > 0) runs.add(group);
            } else waiting.addAll(settles, index, now);
            const added = settles.map((_, at) => ({
              name: first + at,
              index: one.type === 'run' ? index + at : Math.max(index, model.at(-1)?.index ?? 0),
              since: now,
              group,
            }));
            model = [...model, ...added];
          }
          expect(told).toEqual(expected);
          expect(waiting.size).toBe(model.length);
          const held = new Set(model.map((waiter) => waiter.group).filter((id) => runs.has(id)));
          expect(waiting.bytes).toBe(held.size * BYTES);
        }
      }),
    );
  });
});

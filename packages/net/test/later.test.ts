import { expect, test } from 'vitest';
import { Later } from '../src/index.js';

const answer = { control: { index: 1 } };

test('tells of an answer in the call that brings it', () => {
  const later = new Later();
  const told: unknown[] = [];
  later.onSettled((error, settled) => told.push(error, settled));
  expect(told).toEqual([]);
  later.answer(answer);
  expect(told).toEqual([undefined, answer]);
});

test('tells whoever comes afterwards, of an answer and of a failure', () => {
  for (const [settle, outcome] of [
    [(later: Later) => later.answer(answer), [undefined, answer]],
    [(later: Later) => later.fail('no'), ['no', undefined]],
  ] as const) {
    const later = new Later();
    settle(later);
    const told: unknown[] = [];
    later.onSettled((error, settled) => told.push(error, settled));
    expect(told).toEqual(outcome);
  }
});

test('ends once', () => {
  const later = new Later();
  const told: unknown[] = [];
  later.onSettled((error) => told.push(error));
  later.fail('first');
  later.fail('second');
  later.answer(answer);
  expect(told).toEqual(['first']);
});

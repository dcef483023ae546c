import type { TestFunction } from '@dle/storage/testing';
import { describe, expect, it } from 'vitest';

/** Something wrong with an implementation, and the case of the suite that must notice it. */
export interface Defect<T> {
  readonly caughtBy: string;
  readonly create: () => T;
}

/**
 * Proves that a suite can fail: every defect is caught by its case, and every case catches one.
 */
export function catchesDefects<T>(
  suite: (test: TestFunction, create: () => T) => void,
  defects: Readonly<Record<string, Defect<T>>>,
): void {
  describe('the suite catches an implementation that', () => {
    for (const [what, { caughtBy, create }] of Object.entries(defects)) {
      it(what, async () => {
        await expect(casesOf(suite, create).get(caughtBy)!()).rejects.toThrow();
      });
    }

    it('breaks any of its rules', () => {
      const names = [...casesOf(suite, () => expect.fail('no case runs here')).keys()];
      const caught = new Set(Object.values(defects).map(({ caughtBy }) => caughtBy));
      expect([...caught].toSorted()).toEqual(names.toSorted());
    });
  });
}

function casesOf<T>(
  suite: (test: TestFunction, create: () => T) => void,
  create: () => T,
): Map<string, () => Promise<void>> {
  const cases = new Map<string, () => Promise<void>>();
  suite((name, body) => cases.set(name, body), create);
  return cases;
}

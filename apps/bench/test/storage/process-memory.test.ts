import { describe, expect, it } from 'vitest';
import { parseAnonymousBytes } from '../../src/storage/process-memory.js';

describe('the memory of a process', () => {
  it('is what no file stands behind', () => {
    const status = 'VmRSS:\t  123456 kB\nRssAnon:\t   34567 kB\nRssFile:\t   88889 kB\n';
    expect(parseAnonymousBytes(status)).toBe(34_567 * 1_024);
  });

  it('is unknown where the system does not say', () => {
    expect(parseAnonymousBytes('VmRSS:\t  123456 kB\n')).toBeUndefined();
  });
});

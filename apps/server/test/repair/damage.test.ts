import { DleError } from '@dle/common';
import { describe, expect, it } from 'vitest';
import { isDamage, isOfDisk } from '../../src/repair/damage.js';

function failed(operation: string, system: string): DleError {
  const cause = Object.assign(new Error(system), { code: system });
  return new DleError('DLE_IO', `${operation} /file: ${system}`, { cause, details: { operation } });
}

describe('damage', () => {
  it('is what cannot be read back', () => {
    for (const operation of ['open', 'size', 'identify', 'read', 'list']) {
      expect(isDamage(failed(operation, 'EIO'))).toBe(true);
      expect(isDamage(failed(operation, 'ENOENT'))).toBe(true);
      expect(isDamage(failed(operation, 'EMFILE'))).toBe(false);
    }
    expect(isDamage(new DleError('DLE_CORRUPT', 'a wrong checksum'))).toBe(true);
  });

  it('is not what cannot be written, nor an unknown operation', () => {
    for (const operation of ['write', 'allocate', 'flush', 'create', 'rename', 'unlink', '']) {
      for (const system of ['EIO', 'ENOENT']) {
        expect(isDamage(failed(operation, system))).toBe(false);
        expect(isOfDisk(failed(operation, system))).toBe(true);
      }
    }
    expect(isDamage(new DleError('DLE_IO', 'read'))).toBe(false);
  });

  it('is no word on the disk alone, nor is a mistake of a program', () => {
    expect(isOfDisk(failed('read', 'EIO'))).toBe(false);
    expect(isOfDisk(new DleError('DLE_DISK_FULL', 'no room'))).toBe(true);
    expect(isOfDisk(new DleError('DLE_STORAGE_POISONED', 'no more'))).toBe(true);
    expect(isOfDisk(new DleError('DLE_INTERNAL', 'a bug'))).toBe(false);
  });
});

import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { nativeStatus } from '../../src/index.js';
import { NativeLoading, nativeBinding } from '../../src/native/native.js';
import { NATIVE_VERSION } from '../../src/native/native-binding.js';
import { nativePath } from '../../src/native/native-path.js';
import { Child } from '../support/child.js';

const MODE = process.env.DLE_NATIVE;

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'dle-native-'));
});

afterEach(() => rm(directory, { recursive: true }));

describe('loading the addon', () => {
  it('is left when it is not wanted', () => {
    const loading = NativeLoading.of('0', nativePath());
    expect(loading.binding).toBeUndefined();
    expect(loading.status).toEqual({ loaded: false, mode: '0', reason: 'DLE_NATIVE is 0' });
  });

  it('refuses a mode that there is not, and says which there are', () => {
    for (const wanted of ['1', 'yes', 'AUTO', ' 0']) {
      expect(() => NativeLoading.of(wanted, nativePath())).toThrow(
        expect.objectContaining({
          code: 'DLE_INVALID_ARGUMENT',
          message: `DLE_NATIVE is "${wanted}": it may be 0, auto or require`,
        }),
      );
    }
  });

  it('goes on without a binary that is missing, by default', () => {
    const path = join(directory, 'dle-storage.node');
    for (const wanted of [undefined, '', 'auto']) {
      const loading = NativeLoading.of(wanted, path);
      const reason = 'there is no such file';
      expect(loading.status).toEqual({ loaded: false, mode: 'auto', path, reason });
      expect(loading.binding).toBeUndefined();
    }
  });

  it('fails without a binary that is required, and says what to do', () => {
    const path = join(directory, 'dle-storage.node');
    const loading = NativeLoading.of('require', path);
    expect(loading.status.loaded).toBe(false);
    expect(() => loading.binding).toThrow(
      expect.objectContaining({
        code: 'DLE_NATIVE_UNAVAILABLE',
        message:
          `DLE_NATIVE=require, but ${path} cannot be loaded: there is no such file; ` +
          'build it with "npm run build:native" in @dle/storage, or set DLE_NATIVE to auto',
      }),
    );
  });

  it('does not take a file that is no addon', async () => {
    const path = join(directory, 'dle-storage.node');
    await writeFile(path, 'not a library');
    const loading = NativeLoading.of('auto', path);
    expect(loading.binding).toBeUndefined();
    expect(loading.status.reason).toMatch(/dle-storage\.node/);
    expect(() => NativeLoading.of('require', path).binding).toThrow(/cannot be loaded: /);
  });

  it.runIf(existsSync(nativePath()))('does not take one of another version', () => {
    const loading = NativeLoading.of('auto', nativePath(), NATIVE_VERSION + 1);
    expect(loading.binding).toBeUndefined();
    expect(loading.status.reason).toBe(
      `it is version ${NATIVE_VERSION}, not ${NATIVE_VERSION + 1}, of another @dle/storage`,
    );
  });
});

describe('the status of the addon', () => {
  it('is that of the mode these tests run in', () => {
    expect(nativeStatus()).toMatchObject({ loaded: MODE === 'require', mode: MODE });
    expect(nativeBinding() !== undefined).toBe(MODE === 'require');
  });

  it('is inherited by processes, and can be told them', async () => {
    const child = await Child.start('native-status.mjs');
    expect(JSON.parse(child.lines[0]!)).toEqual(nativeStatus());
    const other = await Child.startIn({ DLE_NATIVE: '0' }, 'native-status.mjs');
    expect(JSON.parse(other.lines[0]!)).toMatchObject({ loaded: false, mode: '0' });
  });
});

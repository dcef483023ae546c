import { vi } from 'vitest';
import type { LogStore, LogStoreComponents, LogStoreOptions } from '../../src/index.js';

/** One of the two ways to read: modules of their own, which load the addon or leave it. */
export interface Way {
  readonly name: 'native' | 'typescript';
  open(
    directory: string,
    options?: LogStoreOptions,
    components?: LogStoreComponents,
  ): Promise<LogStore>;
}

/** A store by the addon, and one without, in one process. */
export async function bothWays(): Promise<Way[]> {
  return [await load('require', 'native'), await load('0', 'typescript')];
}

async function load(mode: string, name: Way['name']): Promise<Way> {
  vi.resetModules();
  vi.stubEnv('DLE_NATIVE', mode);
  try {
    const { LogStore: Store, nativeStatus } = await import('../../src/index.js');
    // The mode is read when it is first asked for.
    if (nativeStatus().mode !== mode) throw new Error(`the mode is ${nativeStatus().mode}`);
    return { name, open: (...parameters) => Store.open(...parameters) };
  } finally {
    vi.unstubAllEnvs();
  }
}

import { LogStore, type LogStoreOptions } from '../../src/index.js';
import { DIRECTORY, type Machine } from './logs.js';

export function openStore(machine: Machine, options: LogStoreOptions = {}): Promise<LogStore> {
  return LogStore.open(DIRECTORY, { segmentSize: 4_096, ...options }, machine);
}

/** The machine crashes and starts again; the store is opened. */
export function crashStore(machine: Machine, options: LogStoreOptions = {}): Promise<LogStore> {
  machine.vfs.restart();
  return openStore(machine, options);
}

export function textOf(value: Uint8Array | undefined): string | undefined {
  return value && Buffer.from(value).toString();
}

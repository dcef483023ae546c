import { cpus } from 'node:os';
import { isInMemory } from './data-directory.js';
import { RawDisk } from './raw-disk.js';

/** What the figures depend on besides the code. */
export interface Machine {
  readonly cpus: number;
  readonly cpuModel: string;
  readonly node: string;
  readonly platform: string;
  /** Median of writing one record and flushing it, in milliseconds. */
  readonly fdatasyncMedianMs: number;
  /** Whether the data lay in memory, where a flush costs and keeps nothing. */
  readonly inMemory: boolean;
}

export function describeMachine(directory: string): Machine {
  const processors = cpus();
  const disk = new RawDisk(directory, 1);
  try {
    return {
      cpus: processors.length,
      cpuModel: processors[0]?.model.trim() ?? 'unknown',
      node: process.versions.node,
      platform: `${process.platform} ${process.arch}`,
      fdatasyncMedianMs: disk.flushMedianMs(),
      inMemory: isInMemory(directory),
    };
  } finally {
    disk.close();
  }
}

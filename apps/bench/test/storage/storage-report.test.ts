import { describe, expect, it } from 'vitest';
import { figure, latency, throughput } from '../../src/storage/figures.js';
import { renderStorageJson, renderStorageReport } from '../../src/storage/storage-report.js';
import { target } from '../../src/targets.js';

const REPORT = {
  title: 'a title',
  machine: {
    cpus: 2,
    cpuModel: 'Abacus',
    node: '20.20.2',
    platform: 'linux x64',
    fdatasyncMedianMs: 0.1712,
    inMemory: false,
  },
  addon: { loaded: true, mode: 'auto' } as const,
  figures: [
    throughput({ workload: 'read-into', keys: 1_000_000, subject: 'dle getInto' }, [
      { operations: 900_000, elapsedMs: 1_000 },
      { operations: 1_000_000, elapsedMs: 1_000 },
      { operations: 1_200_000, elapsedMs: 1_000 },
    ]),
    latency({ workload: 'latency', keys: 1_000_000, subject: 'dle getInto' }, [
      { operations: 10, medianMs: 0.00041, p99Ms: 0.0123, clockMs: 0 },
    ]),
    figure({ workload: 'memory', keys: 10_000_000, subject: 'dle index' }, 'bytes a key', []),
  ],
  targets: [
    target('getInto', 1_000_000, { relation: '>', value: 1_000_000, unit: 'ops/s' }, 1_000_000),
    target('median of one getInto', 1_000_000, { relation: '<', value: 1, unit: 'µs' }, 0.41),
    target('index', 10_000_000, { relation: '≤', value: 18, unit: 'bytes a key' }),
  ],
};

describe('the report of the stores', () => {
  it('has what was measured, the targets, and how many are reached', async () => {
    const text = renderStorageReport(REPORT);
    await expect(text).toMatchFileSnapshot('testdata/storage-report.txt');
  });

  it('says so where the store had no addon', () => {
    const addon = { loaded: false, mode: 'auto', reason: 'there is no such file' } as const;
    const text = renderStorageReport({ ...REPORT, addon });
    expect(text).toContain('WITHOUT its native addon: there is no such file');
  });

  it('has all figures for programs too', () => {
    const { machine, figures, targets } = JSON.parse(renderStorageJson(REPORT));
    expect(machine).toEqual(REPORT.machine);
    expect(figures[0]).toMatchObject({ value: 1_000_000, rounds: [900_000, 1_000_000, 1_200_000] });
    expect(targets.map(({ reached }: { reached: boolean }) => reached)).toEqual([
      false,
      true,
      false,
    ]);
  });
});

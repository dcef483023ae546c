import { describe, expect, it } from 'vitest';
import { type Report, type Row, renderJson, renderReport } from '../src/report.js';
import { summarize } from '../src/summary.js';

const MACHINE = {
  cpus: 2,
  cpuModel: 'Abacus',
  node: '20.20.2',
  platform: 'linux x64',
  fdatasyncMedianMs: 0.1712,
  inMemory: false,
};

/** Ten operations a millisecond, but one. */
const MEASURED = summarize([
  { elapsedMs: 10, latenciesMs: new Float64Array(100).fill(0.1).fill(2, 98) },
  { elapsedMs: 20, latenciesMs: new Float64Array(100).fill(0.2) },
  { elapsedMs: 8, latenciesMs: new Float64Array(100).fill(0.1).fill(2, 98) },
]);
const LIMIT = summarize([{ elapsedMs: 5, latenciesMs: new Float64Array(100).fill(0.0012) }]);

const PUT: Row = {
  operation: 'put',
  inFlight: 1,
  durability: 'flushed to the device',
  measured: MEASURED,
  limit: LIMIT,
};
const READ: Row = {
  ...PUT,
  operation: 'sequential reads',
  durability: 'reads what is flushed',
  founding: { operationsPerSecond: 1_000_000, medianMs: 0.001 },
};

function report(...rows: Row[]): Report {
  return { title: 'a title', machine: MACHINE, rows, notes: ['a note'] };
}

describe('a summary', () => {
  it('is the median over the rounds, with how far they lie apart', () => {
    expect(MEASURED.operations).toBe(300);
    expect(MEASURED.operationsPerSecond).toBeCloseTo(10_000);
    expect(MEASURED.medianMs).toBeCloseTo(0.1, 3);
    expect(MEASURED.p99Ms).toBeCloseTo(2, 2);
    expect(MEASURED.spread).toBeCloseTo(0.75);
  });
});

describe('a report', () => {
  it('is a table in which each line states its durability', async () => {
    await expect(renderReport(report(READ, PUT))).toMatchFileSnapshot('testdata/report.txt');
  });

  it('leaves the founding figures out where there are none', () => {
    expect(renderReport(report(PUT))).not.toContain('founding');
  });

  it('warns of a directory in memory, where flushes mean nothing', () => {
    const inMemory = { ...report(PUT), machine: { ...MACHINE, inMemory: true } };
    expect(renderReport(inMemory)).toContain('MEMORY');
  });

  it('has all figures for programs too', () => {
    const { machine, rows } = JSON.parse(renderJson(report(READ, PUT)));
    expect(machine).toEqual(MACHINE);
    expect(rows).toMatchObject([
      { operation: 'sequential reads', founding: { medianMs: 0.001 } },
      { operation: 'put', inFlight: 1, durability: 'flushed to the device' },
    ]);
    expect(rows[0].ratio).toBeCloseTo(0.5);
  });
});

import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { parseCommandLine } from '../src/command-line.js';

afterEach(() => {
  vi.unstubAllEnvs();
});

describe('the command line', () => {
  it('measures the founding table unless told otherwise', async () => {
    expect(await parseCommandLine([])).toMatchObject({ bench: 'founding', operations: 100_000 });
    expect(await parseCommandLine(['cluster', '--ops', '500'])).toMatchObject({
      bench: 'cluster',
      operations: 500,
    });
  });

  it('measures the stores with a million and ten million keys unless told otherwise', async () => {
    expect(await parseCommandLine(['storage'])).toMatchObject({
      bench: 'storage',
      sizes: [1_000_000, 10_000_000],
      rounds: 5,
      workloads: expect.arrayContaining(['read-into', 'no-pause']),
    });
  });

  it('takes sizes and workloads in any order, and measures them in its own', async () => {
    const words = [
      'storage',
      '--keys',
      '5000,2000,5000',
      '--only',
      'open,latency',
      '--rounds',
      '2',
    ];
    expect(await parseCommandLine(words)).toMatchObject({
      sizes: [2_000, 5_000],
      rounds: 2,
      workloads: ['latency', 'open'],
    });
  });

  it('takes the JSON file from where it was typed, not from where a script starts', async () => {
    vi.stubEnv('INIT_CWD', import.meta.dirname);
    const command = await parseCommandLine(['--json', 'out.json']);
    expect(command?.jsonFile).toBe(join(import.meta.dirname, 'out.json'));
  });

  it.each([
    ['an unknown flag', ['--opps', '1000']],
    ['an unknown benchmark', ['clutser']],
    ['two benchmarks', ['cluster', 'cluster']],
    ['no number', ['--ops', '1e5']],
    ['too few operations', ['--ops', '99']],
    ['too many operations', ['--ops', '5000001']],
    ['too few keys', ['storage', '--keys', '2000,10']],
    ['an unknown workload', ['storage', '--only', 'open,sesame']],
    ['no round', ['storage', '--rounds', '0']],
    ['a flag of another benchmark', ['cluster', '--keys', '2000']],
    ['operations for the stores', ['storage', '--ops', '1000']],
    ['a flag without its value', ['--json']],
    ['a JSON file in a directory that is not there', ['--json', 'nowhere/out.json']],
  ])('refuses %s', async (_, words) => {
    await expect(parseCommandLine(words)).rejects.toMatchObject({ name: 'UsageError' });
  });
});

import { describe, expect, it } from 'vitest';
import { resolveOptions } from '../src/options.js';
import { parseSize } from '../src/size.js';

describe('parseSize', () => {
  it.each([
    ['64MB', 64 * 1024 ** 2],
    ['64mib', 64 * 1024 ** 2],
    ['1 GB', 1024 ** 3],
    ['512k', 512 * 1024],
    ['1.5KB', 1536],
    ['65536', 65_536],
  ])('reads %s as %d bytes', (text, bytes) => {
    expect(parseSize(text)).toBe(bytes);
  });

  it.each(['', 'MB', '64XB', '-1', '1e6', '64 MB x'])("refuses '%s'", (text) => {
    expect(() => parseSize(text)).toThrow(/not a size/);
  });
});

describe('resolveOptions', () => {
  it('fills in the defaults of the founding description', () => {
    expect(resolveOptions({})).toMatchObject({
      id: 1,
      host: '127.0.0.1',
      port: 9001,
      dataDir: './data',
      segmentSize: 64 * 1024 ** 2,
      peers: [],
    });
  });

  it('reads peers with and without an id', () => {
    expect(resolveOptions({ peers: ['localhost:9002', '3@[::1]:9003'] }).peers).toEqual([
      { address: 'localhost:9002' },
      { id: 3, address: '[::1]:9003' },
    ]);
  });

  it.each([
    [{ id: 0 }, /id/],
    [{ id: 1.5 }, /id/],
    [{ port: 65_536 }, /port/],
    [{ segmentSize: 100 }, /segmentSize/],
    [{ peers: ['nowhere'] }, /host:port/],
    [{ peers: ['x@localhost:1'] }, /host:port/],
    [{ host: '0.0.0.0', peers: ['localhost:9002'] }, /--advertise/],
    [{ heartbeatIntervalMs: 500 }, /four times/],
  ])('refuses %j, and says why', (options, reason) => {
    expect(() => resolveOptions(options)).toThrow(reason);
  });
});

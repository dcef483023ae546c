import { expect, test } from 'vitest';
import { formatAddress, parseAddress } from '../src/index.js';

test.each([
  ['localhost:9001', { host: 'localhost', port: 9001 }],
  ['127.0.0.1:1', { host: '127.0.0.1', port: 1 }],
  ['node-1.example.org:65535', { host: 'node-1.example.org', port: 65535 }],
  ['[::1]:9001', { host: '::1', port: 9001 }],
  ['[fe80::1%eth0]:9001', { host: 'fe80::1%eth0', port: 9001 }],
])('%s is an address, and is written the same', (text, address) => {
  expect(parseAddress(text)).toEqual(address);
  expect(formatAddress(address)).toBe(text);
});

test.each([
  '',
  'localhost',
  ':9001',
  'localhost:',
  'localhost:0',
  'localhost:65536',
  'localhost:-1',
  'localhost:9001x',
  'localhost:9.5',
  '::1:9001',
  '[]:9001',
  '[localhost]:9001',
  '[::1]',
  'a b:9001',
  '1@localhost:9001',
  'http://localhost:9001',
])('%o is DLE_INVALID_ARGUMENT', (text) => {
  expect(() => parseAddress(text)).toThrow(
    expect.objectContaining({ code: 'DLE_INVALID_ARGUMENT' }),
  );
});

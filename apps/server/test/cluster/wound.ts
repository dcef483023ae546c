import {
  closeSync,
  existsSync,
  openSync,
  readdirSync,
  readSync,
  statSync,
  truncateSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { type Random, randomBelow } from '@dle/common';

/** What disks and people do to files. */
export const WOUNDS = [
  'bit',
  'byte',
  'zeros',
  'duplicate',
  'swap',
  'exchange',
  'truncate',
  'remove',
] as const;
export type Wound = (typeof WOUNDS)[number];

/** The unit in which disks lose data. */
const BLOCK_BYTES = 512;

/** Every file of a node in which something may be harmed; its lock is held by a process. */
function filesOf(directory: string): string[] {
  return readdirSync(directory)
    .filter((name) => !name.startsWith('lock'))
    .map((name) => join(directory, name))
    .filter((path) => statSync(path).isFile() && statSync(path).size > 0)
    .sort();
}

/** Wounds one file of a node; says how. */
export function inflict(wound: Wound, directory: string, random: Random): string {
  const files = filesOf(directory);
  const path = files[randomBelow(random, files.length)]!;
  const other = files[randomBelow(random, files.length)]!;
  return `${wound}: ${woundFile(wound, path, other, random)}`;
}

function woundFile(wound: Wound, path: string, other: string, random: Random): string {
  const size = usedBytes(path);
  const at = randomBelow(random, size);
  const block = (bytes: number) =>
    BLOCK_BYTES * randomBelow(random, Math.ceil(bytes / BLOCK_BYTES));
  const [one, two] = [block(size), block(size)];
  switch (wound) {
    case 'bit': {
      const byte = read(path, at, 1);
      byte[0]! ^= 1 << randomBelow(random, 8);
      write(path, at, byte);
      return `${path} at ${at}`;
    }
    case 'byte':
      write(path, at, Uint8Array.of(randomBelow(random, 256)));
      return `${path} at ${at}`;
    case 'zeros':
      write(path, one, new Uint8Array(Math.min(BLOCK_BYTES, size - one)));
      return `${path} at ${one}`;
    case 'duplicate':
      write(path, two, read(path, one, Math.min(BLOCK_BYTES, size - two)));
      return `${path}, ${one} to ${two}`;
    case 'swap': {
      const [first, second] = [read(path, one, BLOCK_BYTES), read(path, two, BLOCK_BYTES)];
      write(path, one, second);
      write(path, two, first);
      return `${path}, ${one} and ${two}`;
    }
    case 'exchange': {
      const theirs = block(usedBytes(other));
      write(path, one, read(other, theirs, BLOCK_BYTES));
      return `${path} at ${one}, from ${other} at ${theirs}`;
    }
    case 'truncate':
      truncateSync(path, at);
      return `${path} to ${at} of ${size}`;
    case 'remove':
      unlinkSync(path);
      return path;
  }
}

/** Without the zeros at its end, which are only set aside; what they hold matters to nobody. */
function usedBytes(path: string): number {
  if (!existsSync(path)) return 1;
  const size = statSync(path).size;
  const bytes = read(path, 0, size);
  let end = size;
  while (end > 1 && bytes[end - 1] === 0) end--;
  return end;
}

function read(path: string, at: number, length: number): Uint8Array {
  const file = openSync(path, 'r');
  try {
    const bytes = new Uint8Array(length);
    return bytes.subarray(0, readSync(file, bytes, 0, length, at));
  } finally {
    closeSync(file);
  }
}

function write(path: string, at: number, bytes: Uint8Array): void {
  const file = openSync(path, 'r+');
  try {
    writeSync(file, bytes, 0, bytes.length, at);
  } finally {
    closeSync(file);
  }
}

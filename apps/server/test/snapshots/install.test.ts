import { silentLogger } from '@dle/common';
import type { BaseImporter } from '@dle/storage';
import { expect, it } from 'vitest';
import { IdentityKeeper, readIdentity } from '../../src/repair/identity.js';
import { type InstallComponents, installSnapshot } from '../../src/snapshots/install-snapshot.js';
import { diskOf } from '../support/disk.js';

const DIRECTORY = '/node';
const FLOOR = { index: 9, term: 2, state: new Uint8Array(0) };

/** A replica in whose log a segment begins when it is closed, and a base that has come. */
async function setUp(isWanted = true) {
  const { vfs } = diskOf(1);
  await vfs.makeDirectory(DIRECTORY);
  const common = { vfs, logger: silentLogger };
  const identity = new IdentityKeeper(common, DIRECTORY, { instance: 'i', cluster: 'c' });
  identity.noteSegment(7);
  await identity.settled;
  const events: string[] = [];
  const old = {
    store: { log: { localStates: () => new Map() } },
    close: async () => {
      events.push('close');
      identity.noteSegment(8);
    },
  };
  const ended = { raft: { core: { wants: () => isWanted } } };
  const components = {
    identity,
    participation: {},
    keeper: {
      replace: (_: unknown, _why: string, make: (...parts: unknown[]) => Promise<unknown>) =>
        make(old, ended),
    },
    open: async () => void events.push('open'),
  } as unknown as InstallComponents;
  const importer = {
    finish: async () => void events.push('finish'),
    abandon: async () => void events.push('abandon'),
  } as unknown as BaseImporter;
  const install = () => installSnapshot(components, importer, FLOOR);
  return { vfs, events, install, lastSegment: () => readIdentity(common, DIRECTORY) };
}

it('a log that comes with a snapshot is not taken for the end of the one before', async () => {
  const { events, install, lastSegment } = await setUp();
  expect(await install()).toBe(true);
  expect(events).toEqual(['close', 'finish', 'open']);
  expect(await lastSegment()).toMatchObject({ lastSegment: 0 });
});

it('a snapshot is not put in force where that cannot be made sure of', async () => {
  const { vfs, events, install } = await setUp();
  vfs.unwritable = (path) => path.includes('identity');
  await expect(install()).rejects.toMatchObject({ code: 'DLE_IO' });
  expect(events).not.toContain('finish');
  expect(events.at(-1)).toBe('open');
});

it('a snapshot that is wanted no more leaves the replica that there was, opened anew', async () => {
  const { events, install, lastSegment } = await setUp(false);
  expect(await install()).toBe(false);
  // Closed first: its log may have been about to begin further on.
  expect(events).toEqual(['abandon', 'close', 'open']);
  expect((await lastSegment())!.lastSegment).toBeGreaterThan(0);
});

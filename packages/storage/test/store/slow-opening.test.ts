import { SeededRandom } from '@dle/common';
import { expect, it } from 'vitest';
import { LogStore } from '../../src/index.js';
import { MemVfs } from '../../src/testing/index.js';
import { DIRECTORY } from '../support/logs.js';
import { ManualClock, turns } from '../support/manual-clock.js';

it('an idle frame that comes while a store is being opened hides no segment from it', async () => {
  const clock = new ManualClock();
  const random = new SeededRandom(3);
  const vfs = new MemVfs({ random, clock });
  const open = () => LogStore.open(DIRECTORY, { idleFlushMs: 1 }, { vfs, clock, random });
  const first = await open();
  await first.put('key', 'value');
  vfs.crash();
  await turns();
  vfs.restart();
  const list = vfs.list.bind(vfs);
  vfs.list = async (path) => {
    await turns(30);
    return list(path);
  };
  let store: LogStore | undefined;
  const opening = open().then((opened) => {
    store = opened;
  });
  while (store === undefined) {
    clock.pass(1);
    await turns(1);
  }
  await opening;
  clock.pass(1_000);
  await turns(50);
  // What has no key directory is not known to compaction, which would drop what hides its keys.
  expect(vfs.paths).toContain(`${DIRECTORY}/0000000000000001.directory`);
  await store.close();
});

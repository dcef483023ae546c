import { silentLogger, systemClock, toBytes } from '@dle/common';
import type { Rpc } from '@dle/net';
import type { LogProposal, RaftNode } from '@dle/raft';
import { type BaseExport, LogStore } from '@dle/storage';
import { EntryBatchBuilder } from '@dle/storage/internal';
import { expect, it } from 'vitest';
import { type Sent, sentBegin, sentChunk, sentFinish } from '../../src/snapshots/messages.js';
import { SnapshotReceiver } from '../../src/snapshots/snapshot-receiver.js';
import { diskOf } from '../support/disk.js';

const TERM = 3;
const SEGMENT = 64 * 1024;
const CHUNK = 16 * 1024;
const full = expect.objectContaining({ code: 'DLE_DISK_FULL', retryable: true });

/** A base of about 400 KB. */
async function baseOf(): Promise<BaseExport> {
  const options = { replicated: true, segmentSize: SEGMENT };
  const store = await LogStore.open('/leader', options, diskOf(1));
  const builder = new EntryBatchBuilder(1, TERM);
  for (let key = 100; key < 200; key++) {
    builder.put(toBytes(`key ${key}`), toBytes('x'.repeat(4_000)));
    builder.endEntry();
  }
  store.log.append(builder.finish());
  await store.flush();
  store.log.setCommit(100);
  store.apply(100);
  return store.exportBase(toBytes(''));
}

function setUp(base: BaseExport) {
  const disk = diskOf(2);
  const fulls: string[] = [];
  const core = { wants: () => true, commit: 0, term: TERM };
  const receiver = new SnapshotReceiver(
    {
      clock: systemClock,
      logger: silentLogger,
      vfs: disk.vfs,
      raft: () => ({ core }) as unknown as RaftNode<LogProposal>,
      full: () => void fulls.push('full'),
      install: async (importer) => {
        await importer.finish(new Map());
        return true;
      },
    },
    { directory: '/member', storeId: 'a'.repeat(32), segmentSize: SEGMENT },
  );
  const { index, term, state, bytes } = base;
  const name = { term: TERM, index };
  const ask = ({ control, raw }: Sent) =>
    receiver.handle(control, raw, { hello: { node: 1 } } as unknown as Rpc);
  const send = async (complete = () => {}): Promise<void> => {
    const floor = { index, term, state };
    const begun = await ask(sentBegin({ op: 'snapshotBegin', ...name, floor, bytes }));
    let after = begun.control.after as Uint8Array | undefined;
    for (let isLast = begun.control.complete; isLast !== true; ) {
      const chunk = await base.read(after, CHUNK);
      await ask(sentChunk({ op: 'snapshotChunk', ...name, chunk }));
      after = chunk.next;
      isLast = after === undefined;
    }
    complete();
    await ask(sentFinish({ op: 'snapshotFinish', ...name }));
  };
  return { ...disk, receiver, send, fulls };
}

it('a snapshot for which there is no room leaves the room that there was', async () => {
  const base = await baseOf();
  for (const room of [100_000, 250_000, 400_000]) {
    const { vfs, receiver, send, fulls } = setUp(base);
    vfs.capacityBytes = room;
    for (let tries = 0; tries < 3; tries++) {
      await expect(send()).rejects.toEqual(full);
      expect(receiver.underWay).toBeUndefined();
      expect(vfs.usedBytes).toBeLessThan(1_000);
    }
    expect(fulls.length).toBe(3);
    vfs.capacityBytes = 1_000_000;
    await send();
    expect(receiver.received).toBe(1);
    await receiver.close();
  }
  base.close();
});

it('a snapshot that has come whole, and cannot be put in force, leaves the room, too', async () => {
  const base = await baseOf();
  const { vfs, send } = setUp(base);
  const fill = (): void => {
    vfs.capacityBytes = vfs.usedBytes;
  };
  await expect(send(fill)).rejects.toEqual(full);
  expect(vfs.usedBytes).toBeLessThan(1_000);
  base.close();
});

it('a snapshot leaves a segment of room to the log at every moment', async () => {
  const base = await baseOf();
  const { vfs, receiver, send } = setUp(base);
  vfs.capacityBytes = 400_000;
  let least = Number.POSITIVE_INFINITY;
  const create = vfs.createSync.bind(vfs);
  vfs.createSync = (path) => {
    const file = create(path);
    const write = file.writeSync.bind(file);
    file.writeSync = (parts, position) => {
      write(parts, position);
      least = Math.min(least, vfs.freeBytes('/member'));
    };
    return file;
  };
  await expect(send()).rejects.toEqual(full);
  expect(least).toBeGreaterThanOrEqual(SEGMENT - CHUNK);
  await receiver.close();
  base.close();
});

import { systemClock as clock, DleError, SeededRandom, toBytes } from '@dle/common';
import { LogStore } from '@dle/storage';
import { EntryBatchBuilder } from '@dle/storage/internal';
import { MemVfs } from '@dle/storage/testing';
import { expect, it } from 'vitest';
import { type LogProposal, RaftLog } from '../../src/index.js';

const BYTES = 100;
const KEY = toBytes('key');
const put: LogProposal = { bytes: BYTES, write: (builder) => builder.put(KEY, KEY) };
const del: LogProposal = { bytes: BYTES, givesBack: true, write: (builder) => builder.delete(KEY) };

/** The bytes of entries as a leader sends them. */
function sent(...proposals: readonly LogProposal[]): Uint8Array {
  const builder = new EntryBatchBuilder(1, 2);
  for (const proposal of proposals) {
    proposal.write(builder);
    builder.endEntry();
  }
  return builder.finish().bytes;
}

it('on a full disk there is room for what gives space back, proposed or received, and for nothing else', async () => {
  const random = new SeededRandom(1);
  const vfs = new MemVfs({ random, clock });
  const store = await LogStore.open('/node', { replicated: true }, { vfs, clock, random });
  const log = new RaftLog({
    log: store.log,
    floor: store.floor,
    setFloor: (floor) => store.setFloor(floor),
    reserve: (_, deletesOnly) => {
      if (!deletesOnly) throw new DleError('DLE_DISK_FULL', 'full', { retryable: true });
    },
  });
  const full = expect.objectContaining({ code: 'DLE_DISK_FULL' });
  for (const entries of [
    [put],
    [del, put],
    [],
    log.decode(sent(put)),
    log.decode(sent(del, put)),
  ]) {
    expect(() => log.reserve(BYTES, entries)).toThrow(full);
  }
  expect(() => log.reserve(BYTES)).toThrow(full);
  for (const entries of [[del], [del, del], log.decode(sent(del, del))]) {
    log.reserve(BYTES, entries);
  }
  await store.close();
});

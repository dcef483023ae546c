import { crc32, SeededRandom, systemClock, toBytes, toText } from '@dle/common';
import { RaftLog } from '@dle/raft';
import { type StateMachineUnderTest, stateMachineComplianceSuite } from '@dle/raft/testing';
import { LogStore } from '@dle/storage';
import { MemVfs } from '@dle/storage/testing';
import { describe, it } from 'vitest';
import { entryOf } from '../../src/entries.js';
import { StoreMachine } from '../../src/store-machine.js';

const TERM = 2;
const KEYS = ['a', 'b', 'c'];
const OPTIONS = { replicated: true, segmentSize: 4 * 1024, tailCacheBytes: 1_024 };

const put = (key: string, value: string) => {
  const [keyBytes, valueBytes] = [toBytes(key), toBytes(value)];
  const checksum = crc32(valueBytes, crc32(keyBytes));
  return entryOf({ op: 'put', key: keyBytes, value: valueBytes, checksum, forwarded: false });
};

const del = (key: string) => {
  return entryOf({ op: 'del', key: toBytes(key), checksum: crc32(toBytes(key)), forwarded: false });
};

/** A log of some segments: more than is kept in memory, so that applying reads files, too. */
async function write(log: RaftLog): Promise<{ lastIndex: number; neutral: number[] }> {
  await log.bootstrap({ voters: [1] });
  log.saveVote(TERM, 1, false);
  log.appendNoop(2, TERM);
  const first = [put('a', '1'), put('b', 'x'.repeat(1_500)), put('a', '2'), del('b'), put('b', '')];
  log.appendProposed(first, 3, TERM);
  log.appendConfiguration({ voters: [1], learners: [2] }, 8, TERM);
  const second = Array.from({ length: 12 }, (_, i) => put('c', `${i} `.repeat(400)));
  log.appendProposed([...second, del('c'), del('a')], 9, TERM);
  return { lastIndex: 22, neutral: [1, 2, 8] };
}

async function underTest(): Promise<StateMachineUnderTest> {
  const components = { random: new SeededRandom(1), clock: systemClock };
  const vfs = new MemVfs(components);
  const open = () => LogStore.open('/node', OPTIONS, { ...components, vfs });
  let store = await open();
  const written = await write(new RaftLog(store));
  await store.flush();
  let stateMachine = new StoreMachine(store, () => {});
  return {
    ...written,
    get stateMachine() {
      return stateMachine;
    },
    state: () =>
      KEYS.map((key) => {
        const value = store.getSync(key);
        return value && toText(value);
      }),
    restart: async () => {
      // As the driver does, which knows what is committed.
      store.log.setCommit(store.appliedIndex);
      await store.close();
      store = await open();
      stateMachine = new StoreMachine(store, () => {});
    },
    dispose: () => store.close(),
  };
}

describe('StoreMachine', () => {
  stateMachineComplianceSuite(it, underTest);
});

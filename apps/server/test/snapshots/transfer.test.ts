import { DleError, SeededRandom, silentLogger, systemClock, toBytes } from '@dle/common';
import type { Control, Rpc, TcpClient } from '@dle/net';
import type { LogProposal, RaftNode } from '@dle/raft';
import { type BaseImporter, type Floor, LogStore } from '@dle/storage';
import { EntryBatchBuilder } from '@dle/storage/internal';
import { describe, expect, it } from 'vitest';
import { Replica } from '../../src/replica/replica.js';
import { SnapshotReceiver } from '../../src/snapshots/snapshot-receiver.js';
import { SnapshotSender } from '../../src/snapshots/snapshot-sender.js';
import { diskOf } from '../support/disk.js';

const TERM = 3;
const ENTRIES = 400;
/** Some chunks' worth. */
const VALUE = 'x'.repeat(4_000);
const FLOOR_TERM = 2;

/** What is to happen to a request that arrives. */
type Fate = 'answered' | 'lost' | 'answerLost' | 'damaged';

/** A leader's store and sender, a member's disk and receiver, and the line between them. */
class Setup {
  readonly installed: Floor[] = [];
  readonly damage: string[] = [];
  readonly signal = new AbortController();
  readonly leaderDisk = diskOf(1);
  readonly memberDisk = diskOf(2);
  commit = 0;
  term = TERM;
  requests: string[] = [];
  fate: (op: string, number: number) => Fate = () => 'answered';
  receiver: SnapshotReceiver = this.newReceiver();
  replica!: Replica;
  sender!: SnapshotSender;

  static async create(): Promise<Setup> {
    const setup = new Setup();
    const { leaderDisk } = setup;
    setup.replica = await Replica.open(leaderDisk, {
      directory: '/leader',
      store: { segmentSize: 64 * 1024 },
      applied: () => {},
      damaged: () => {},
      rolled: () => {},
    });
    const { store } = setup.replica;
    const builder = new EntryBatchBuilder(1, FLOOR_TERM);
    for (let key = 0; key < ENTRIES; key++) {
      builder.put(toBytes(`key ${key}`), toBytes(VALUE + key));
      builder.endEntry();
    }
    store.log.append(builder.finish());
    await store.flush();
    store.log.setCommit(ENTRIES);
    store.apply(ENTRIES);
    setup.sender = new SnapshotSender(
      {
        clock: systemClock,
        logger: silentLogger,
        open: () => setup.line(),
        damaged: ({ code }) => setup.damage.push(code),
      },
      { bytesPerSecond: 1024 ** 3 },
    );
    return setup;
  }

  newReceiver(): SnapshotReceiver {
    const known = { commit: () => this.commit, term: () => this.term };
    const core = {
      wants: ({ index }: { index: number }) => index > known.commit(),
      get commit() {
        return known.commit();
      },
      get term() {
        return known.term();
      },
    };
    const raft = { core };
    return new SnapshotReceiver(
      {
        clock: systemClock,
        logger: silentLogger,
        vfs: this.memberDisk.vfs,
        raft: () => raft as unknown as RaftNode<LogProposal>,
        full: () => {},
        install: (importer, floor) => this.#install(importer, floor),
      },
      { directory: '/member', storeId: 'a'.repeat(32), segmentSize: 64 * 1024 },
    );
  }

  /** Starts to send; what becomes of it. */
  send(term = TERM): Promise<void> {
    const base = { index: ENTRIES, term: FLOOR_TERM, configuration: undefined };
    return this.sender.portOf(this.replica).send(2, base, term, this.signal.signal);
  }

  line(): TcpClient {
    const request = async (
      control: Control,
      raw: Uint8Array,
      { signal }: { signal: AbortSignal },
    ) => {
      signal.throwIfAborted();
      const op = String(control.op);
      const fate = this.fate(op, this.requests.push(op));
      const lost = new DleError('DLE_CONNECTION_LOST', 'it broke', { retryable: true });
      if (fate === 'lost') throw lost;
      const arrived = Uint8Array.from(raw);
      if (fate === 'damaged') arrived[arrived.length >> 1]! ^= 1;
      const rpc = { hello: { node: 1 } } as unknown as Rpc;
      const { receiver } = this;
      const answer = await receiver.handle(control, arrived, rpc).catch((thrown: unknown) => {
        // Who has ended meanwhile says nothing.
        throw receiver === this.receiver ? thrown : lost;
      });
      if (fate === 'answerLost') throw lost;
      return { control: answer.control, raw: new Uint8Array(0) };
    };
    const connect = async () => ({ request }) as unknown as Rpc;
    return { connect, close: async () => {} } as unknown as TcpClient;
  }

  async #install(importer: BaseImporter, floor: Floor): Promise<boolean> {
    if (floor.index <= this.commit) {
      await importer.abandon();
      return false;
    }
    await importer.finish(new Map());
    this.installed.push(floor);
    this.commit = floor.index;
    return true;
  }

  /** The member's store is the leader's, key by key. */
  async expectEqual(): Promise<void> {
    const random = new SeededRandom(3);
    const store = await LogStore.open(
      '/member',
      { replicated: true, segmentSize: 64 * 1024 },
      { ...this.memberDisk, random },
    );
    expect(store.appliedIndex).toBe(ENTRIES);
    for (let key = 0; key < ENTRIES; key++) {
      expect(Buffer.from(store.getSync(`key ${key}`)!).toString()).toBe(VALUE + key);
    }
    await store.close();
  }
}

describe('a snapshot', () => {
  it('is brought in chunks, and is in force when it is said to be', async () => {
    const setup = await Setup.create();
    await setup.send();
    expect(setup.requests.filter((op) => op === 'snapshotChunk').length).toBeGreaterThan(5);
    expect(setup.installed).toMatchObject([{ index: ENTRIES, term: FLOOR_TERM }]);
    await setup.expectEqual();
    expect([setup.sender.sent, setup.receiver.received]).toEqual([1, 1]);
    expect([setup.sender.underWay, setup.receiver.underWay]).toEqual([[], undefined]);
  });

  it.each(['lost', 'answerLost'] as const)(
    'goes on where it was when a request is %s, whichever it is',
    async (fate) => {
      for (let broken = 1; broken < 10; broken += 2) {
        const setup = await Setup.create();
        setup.fate = (_, number) => (number === broken ? fate : 'answered');
        await setup.send();
        await setup.expectEqual();
      }
    },
    60_000,
  );

  it('goes on behind what was whole when the receiver was started again', async () => {
    const setup = await Setup.create();
    let chunks = 0;
    const afters: boolean[] = [];
    setup.fate = (op) => {
      if (op === 'snapshotBegin') afters.push(chunks > 0);
      if (op === 'snapshotChunk' && ++chunks === 4) {
        setup.memberDisk.vfs.kill();
        setup.memberDisk.vfs.restart();
        setup.receiver = setup.newReceiver();
        return 'lost';
      }
      return 'answered';
    };
    await setup.send();
    await setup.expectEqual();
    expect(afters).toEqual([false, true]);
    // Less than all of it has come twice.
    const all = setup.requests.filter((op) => op === 'snapshotChunk').length;
    const once = Math.ceil((ENTRIES * VALUE.length) / (256 * 1024));
    expect(all).toBeLessThan(once + 4);
  });

  it('takes nothing that was damaged on its way', async () => {
    const setup = await Setup.create();
    setup.fate = (op) => (op === 'snapshotChunk' ? 'damaged' : 'answered');
    await expect(setup.send()).rejects.toMatchObject({
      code: expect.stringMatching(/^DLE_(CORRUPT|FORMAT|SNAPSHOT_REFUSED)$/),
    });
    expect(setup.installed).toEqual([]);
    await setup.receiver.close();
  });

  it('is never one of damaged data: the sender is told of it', async () => {
    const setup = await Setup.create();
    const { vfs } = setup.leaderDisk;
    for (const path of vfs.paths.filter((name) => /\.(segment|sorted)$/.test(name))) {
      const file = vfs.openSync(path);
      for (let at = 9_000; at < file.size(); at += 9_000) {
        const byte = new Uint8Array(1);
        file.readSync(byte, at);
        file.writeSync([Uint8Array.of(byte[0]! ^ 8)], at);
      }
      await file.close();
    }
    await expect(setup.send()).rejects.toMatchObject({ code: 'DLE_ABORTED' });
    expect(setup.damage).toEqual(['DLE_CORRUPT']);
    expect(setup.installed).toEqual([]);
    await setup.receiver.close();
  });

  it('is refused by who knows a newer leader, and brought by that', async () => {
    const setup = await Setup.create();
    setup.term = TERM + 1;
    const stale = { code: 'DLE_SNAPSHOT_REFUSED', details: { reason: 'stale' } };
    await expect(setup.send()).rejects.toMatchObject(stale);
    let newer: Promise<void> | undefined;
    setup.term = TERM;
    setup.fate = (op, number) => {
      if (op !== 'snapshotChunk' || number < 6 || newer !== undefined) return 'answered';
      setup.term = TERM + 1;
      newer = setup.send(TERM + 1);
      return 'answered';
    };
    await expect(setup.send()).rejects.toMatchObject(stale);
    await newer;
    await setup.expectEqual();
  });

  it('is brought to nobody who has it already', async () => {
    const setup = await Setup.create();
    setup.commit = ENTRIES;
    await setup.send();
    expect(setup.requests).toEqual(['snapshotBegin']);
    expect([setup.sender.sent, setup.receiver.received]).toEqual([0, 0]);
  });

  it('is not put in force where it is wanted no more when all has come', async () => {
    const setup = await Setup.create();
    setup.fate = (op) => {
      if (op === 'snapshotFinish') setup.commit = ENTRIES + 5;
      return 'answered';
    };
    await setup.send();
    expect(setup.installed).toEqual([]);
    expect(setup.receiver.received).toBe(0);
  });

  it('ends when the sender leads no more', async () => {
    const setup = await Setup.create();
    setup.fate = (op, number) => {
      if (op === 'snapshotChunk' && number === 4) setup.signal.abort();
      return 'answered';
    };
    await expect(setup.send()).rejects.toThrow();
    expect(setup.sender.underWay).toEqual([]);
    expect(setup.installed).toEqual([]);
    await setup.receiver.close();
  });
});

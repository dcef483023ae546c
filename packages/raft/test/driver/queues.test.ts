import { DleError, isDleError, silentLogger } from '@dle/common';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AppendRequest } from '../../src/core/types.js';
import { AppendSender } from '../../src/driver/append-sender.js';
import { parseMessage } from '../../src/driver/parse-message.js';
import type { LogPort, Proposal } from '../../src/driver/ports.js';
import { ProposerQueue } from '../../src/driver/proposer-queue.js';
import { ReadQueue } from '../../src/driver/read-queue.js';

/** Collects how each call was settled, by name. */
function ledger() {
  const settled: Record<string, string | number> = {};
  const settle = (name: string) => (error: DleError | undefined, index: number) => {
    expect(settled[name], `${name} was answered twice`).toBeUndefined();
    settled[name] = error?.code ?? index;
  };
  return { settled, settle };
}

describe('ProposerQueue', () => {
  it('answers in the order of the log, each once', () => {
    const queue = new ProposerQueue({ maxBytes: 1_000 });
    const { settled, settle } = ledger();
    for (const name of ['a', 'b', 'c']) queue.push({ bytes: 10 }, settle(name));
    queue.accepted(queue.take(), 5, 0);
    queue.applied(6);
    expect(settled).toEqual({ a: 5, b: 6 });
    queue.applied(9);
    expect(settled).toEqual({ a: 5, b: 6, c: 7 });
    expect(queue.bytes).toBe(0);
  });

  it('does not know what becomes of entries whose leader is gone, and says so', () => {
    const queue = new ProposerQueue({ maxBytes: 1_000 });
    const { settled, settle } = ledger();
    queue.push({ bytes: 10 }, settle('in the log'));
    queue.accepted(queue.take(), 1, 0);
    queue.push({ bytes: 10 }, settle('queued'));
    queue.lostLeadership();
    expect(settled).toEqual({ 'in the log': 'DLE_OUTCOME_UNKNOWN' });
    queue.refused(queue.take(), new DleError('DLE_NOT_LEADER', 'no'));
    expect(settled).toMatchObject({ queued: 'DLE_NOT_LEADER' });
    expect(queue.bytes).toBe(0);
  });

  it('refuses what exceeds its bytes, but never a single large entry', () => {
    const queue = new ProposerQueue({ maxBytes: 100 });
    const { settle } = ledger();
    expect(queue.push({ bytes: 500 }, settle('large'))).toBeUndefined();
    expect(queue.push({ bytes: 1 }, settle('more'))).toMatchObject({
      code: 'DLE_OVERLOADED',
      retryable: true,
      effect: 'none',
    });
  });

  it('hands over bounded batches', () => {
    const queue = new ProposerQueue({ maxBytes: Number.POSITIVE_INFINITY });
    for (let i = 0; i < 5_000; i++) queue.push({ bytes: 1 }, () => {});
    expect(queue.take().proposals.length).toBe(4_096);
    expect(queue.take().proposals.length).toBe(904);
    for (let i = 0; i < 3; i++) queue.push({ bytes: 3 * 1024 ** 2 }, () => {});
    expect(queue.take().proposals.length).toBe(1);
  });
});

describe('ProposerQueue of a log without room', () => {
  it('hands over what gives space back with nothing else, in the order in which it came', () => {
    const queue = new ProposerQueue<Proposal>({ maxBytes: 1_000 });
    for (const givesBack of [false, false, true, true, false]) {
      queue.push({ bytes: 10, ...(givesBack && { givesBack }) }, () => {});
    }
    const batches: number[] = [];
    while (queue.queued > 0) batches.push(queue.take(true).proposals.length);
    expect(batches).toEqual([2, 2, 1]);
    expect(queue.bytes).toBe(0);
  });
});

describe('ReadQueue', () => {
  it('confirms reads of one turn together and serves them when the state has caught up', () => {
    const queue = new ReadQueue();
    const { settled, settle } = ledger();
    queue.push('linearizable', settle('a'));
    queue.push('linearizable', settle('b'));
    const first = queue.begin(0)[0]!.id;
    queue.push('linearizable', settle('c'));
    const second = queue.begin(0)[0]!.id;
    expect(queue.begin(0)).toEqual([]);
    queue.confirmed([first], 4, 0);
    queue.applied(3);
    expect(settled).toEqual({});
    queue.applied(4);
    expect(settled).toEqual({ a: 4, b: 4 });
    queue.refused([second], new DleError('DLE_NOT_LEADER', 'no'));
    expect(settled).toMatchObject({ c: 'DLE_NOT_LEADER' });
  });

  it('has each level confirmed by itself', () => {
    const queue = new ReadQueue();
    const answered: string[] = [];
    const settle = (name: string) => () => answered.push(name);
    queue.push('lease', settle('a'));
    queue.push('follower', settle('b'));
    queue.push('lease', settle('c'));
    const [lease, follower] = queue.begin(0);
    expect([lease?.level, follower?.level]).toEqual(['lease', 'follower']);
    // The lease speaks of a later index than the round that is confirmed after it.
    queue.confirmed([lease!.id], 9, 0);
    queue.confirmed([follower!.id], 8, 0);
    queue.applied(8);
    expect(answered).toEqual([]);
    queue.applied(9);
    expect(answered).toEqual(['a', 'c', 'b']);
  });

  it('refuses more reads than it may hold, until some are answered', () => {
    const queue = new ReadQueue();
    for (let i = 0; i < 65_536; i++) expect(queue.push('linearizable', () => {})).toBeUndefined();
    const refusal = { code: 'DLE_OVERLOADED', retryable: true, effect: 'none' };
    expect(queue.push('linearizable', () => {})).toMatchObject(refusal);
    queue.confirmed([queue.begin(0)[0]!.id], 1, 0);
    queue.applied(1);
    expect(queue.push('linearizable', () => {})).toBeUndefined();
  });

  it('leaves nobody waiting when the node stops', () => {
    const queue = new ReadQueue();
    const { settled, settle } = ledger();
    queue.push('linearizable', settle('confirmed'));
    queue.confirmed([queue.begin(0)[0]!.id], 9, 0);
    queue.push('linearizable', settle('confirming'));
    queue.begin(0);
    queue.push('linearizable', settle('gathered'));
    queue.failAll(new DleError('DLE_CLOSED', 'stopping'));
    expect(Object.values(settled)).toEqual(['DLE_CLOSED', 'DLE_CLOSED', 'DLE_CLOSED']);
  });
});

describe('AppendSender', () => {
  const request = (previousIndex: number, lastIndex: number): AppendRequest => ({
    type: 'appendRequest',
    from: 1,
    to: 2,
    term: 1,
    previousIndex,
    previousTerm: 1,
    lastIndex,
    commit: 0,
    round: 0,
  });

  /** A log whose entries up to 10 must be fetched, and come when told. */
  function setUp() {
    const fetches: (() => void)[] = [];
    const failures: (() => void)[] = [];
    const errors: string[] = [];
    const sent: [number, number | undefined][] = [];
    let current = true;
    const log = {
      read: (from: number) => {
        const bytes = Uint8Array.of(from);
        if (from > 10) return bytes;
        return new Promise<Uint8Array>((resolve, reject) => {
          fetches.push(() => resolve(bytes));
          failures.push(() => reject(new Error('no such entries')));
        });
      },
    } as unknown as LogPort<Proposal>;
    const transport = {
      send: (message: { previousIndex: number }, entries?: Uint8Array) => {
        sent.push([message.previousIndex, entries?.[0]]);
      },
    };
    const sender = new AppendSender(
      {
        log,
        transport: transport as never,
        logger: { ...silentLogger, error: (_, message) => void errors.push(message) },
      },
      () => current,
    );
    const depose = () => {
      current = false;
    };
    return { sender, fetches, failures, errors, sent, depose };
  }

  const settle = () => new Promise((resolve) => setImmediate(resolve));

  it('sends what is in memory at once, and an empty request without entries', () => {
    const { sender, sent } = setUp();
    sender.send(request(20, 21));
    sender.send(request(21, 21));
    expect(sent).toEqual([
      [20, 21],
      [21, undefined],
    ]);
  });

  it('lets nothing overtake entries that are being fetched', async () => {
    const { sender, sent, fetches } = setUp();
    sender.send(request(5, 6));
    sender.send(request(20, 21));
    await settle();
    expect(sent).toEqual([]);
    fetches[0]!();
    await settle();
    expect(sent).toEqual([
      [5, 6],
      [20, 21],
    ]);
  });

  it('sends nothing for a leader that was deposed while its entries were fetched', async () => {
    const { sender, sent, fetches, depose } = setUp();
    sender.send(request(5, 6));
    depose();
    fetches[0]!();
    await settle();
    expect(sent).toEqual([]);
  });

  it('tells of entries that cannot be read once, however often it is asked for them', async () => {
    const { sender, failures, errors } = setUp();
    for (let times = 0; times < 3; times++) {
      sender.send(request(5, 6));
      failures[times]!();
      await settle();
    }
    expect(errors).toEqual(['cannot read the log: no such entries']);
  });

  it('tells of entries that cannot be read, but not of those that nobody wants any more', async () => {
    for (const isWanted of [true, false]) {
      const { sender, sent, failures, errors, depose } = setUp();
      sender.send(request(5, 6));
      if (!isWanted) depose();
      failures[0]!();
      await settle();
      expect(sent).toEqual([]);
      expect(errors).toEqual(isWanted ? ['cannot read the log: no such entries'] : []);
    }
  });
});

describe('parseMessage', () => {
  const heartbeat = { type: 'heartbeat', from: 1, to: 2, term: 3, commit: 4, round: 5 };

  it('passes what has the form of a message', () => {
    expect(parseMessage(heartbeat)).toEqual(heartbeat);
  });

  it.each([
    { ...heartbeat, term: -1 },
    { ...heartbeat, term: 1.5 },
    { ...heartbeat, commit: undefined },
    { ...heartbeat, type: 'toString' },
    { type: 'voteResponse', from: 1, to: 2, term: 1, granted: 1 },
  ])('refuses %j', (control) => {
    expect(() => parseMessage(control)).toThrow(DleError);
  });

  it('throws nothing but DLE_FORMAT, whatever comes', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.anything()), (control) => {
        try {
          parseMessage(control);
        } catch (thrown) {
          expect(isDleError(thrown, 'DLE_FORMAT')).toBe(true);
        }
      }),
    );
  });
});

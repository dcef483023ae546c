import assert from 'node:assert/strict';
import { systemClock } from '@dle/common';
import type { TestFunction } from '@dle/storage/testing';
import type { Message, NodeId } from '../core/types.js';
import type { Transport } from '../driver/ports.js';
import { withPatience } from './patience.js';

/** One end of a transport, as one node has it. */
export interface TransportEnd {
  readonly id: NodeId;
  readonly transport: Transport;
  /** Has everything that arrives here handed to `receive`, as `RaftNode.receive` would take it. */
  onMessage(receive: (message: Message, entries?: Uint8Array) => void): void;
}

/** Two nodes that know each other, and no third. */
export interface TransportUnderTest {
  readonly ends: readonly [TransportEnd, TransportEnd];
  dispose(): Promise<void>;
  /** How long messages may get lost, in milliseconds. Default 10,000. */
  readonly patienceMs?: number;
}

/** Two nodes between which nothing may get through. */
export interface FaultyTransportUnderTest extends TransportUnderTest {
  /** Cuts them off from each other, in the midst of whatever is on its way. */
  cut(): void;
  heal(): void;
}

/** How often what may have got lost is sent again, in milliseconds. */
const AGAIN_MS = 20;
const LARGE_BYTES = 1024 * 1024;
/** More than any transport should queue for one peer. */
const FLOOD = 128;

/** One of each kind, with the smallest and the largest numbers that there are. */
function messages(from: NodeId, to: NodeId): Message[] {
  const large = Number.MAX_SAFE_INTEGER;
  const ends = { from, to, term: 7 };
  return [
    { type: 'preVoteRequest', ...ends, lastIndex: large, lastTerm: 2 ** 52 },
    { type: 'preVoteResponse', ...ends, granted: true, lostData: false },
    { type: 'voteRequest', ...ends, lastIndex: 0, lastTerm: 0, transfer: false },
    { type: 'voteResponse', ...ends, term: 2 ** 52, granted: false, lostData: true },
    {
      ...{ type: 'appendRequest', ...ends, previousIndex: 2 ** 32, previousTerm: 3 },
      ...{ lastIndex: 2 ** 32, commit: 2 ** 31, round: 0 },
    } as Message,
    {
      ...{ type: 'appendResponse', ...ends, rejected: true, index: 65_536 },
      ...{ hintIndex: 255, hintTerm: 256, round: large },
    } as Message,
    { type: 'heartbeat', ...ends, commit: 127, round: 128 },
    { type: 'heartbeatResponse', ...ends, round: 1, lostData: true },
    { type: 'timeoutNow', ...ends },
    { type: 'readIndexRequest', ...ends, request: large },
    { type: 'readIndexResponse', ...ends, request: 0, index: large - 1 },
  ];
}

function append(from: NodeId, to: NodeId, round: number): Message {
  const numbers = { previousIndex: 0, previousTerm: 0, lastIndex: 1, commit: 0, round };
  return { type: 'appendRequest', from, to, term: 1, ...numbers };
}

/** Bytes that are all different from those of another `seed`. */
function bytesOf(length: number, seed: number): Uint8Array {
  return Uint8Array.from({ length }, (_, at) => (at * 31 + (at >> 8) + seed) & 255);
}

interface Arrived {
  readonly message: Message;
  readonly entries: Uint8Array | undefined;
}

/** Two nodes, and what has arrived at each. */
class Pair {
  readonly one: TransportEnd;
  readonly other: TransportEnd;
  readonly atOne: Arrived[] = [];
  readonly atOther: Arrived[] = [];
  /** Whether something arrived while a call of `send` was on the stack. */
  wasCalledBack = false;
  readonly #patienceMs: number | undefined;
  #isSending = false;

  constructor({ ends, patienceMs }: TransportUnderTest) {
    [this.one, this.other] = ends;
    this.#patienceMs = patienceMs;
    for (const [end, arrived] of [
      [this.one, this.atOne],
      [this.other, this.atOther],
    ] as const) {
      end.onMessage((message, entries) => {
        if (this.#isSending) this.wasCalledBack = true;
        arrived.push({ message, entries });
      });
    }
  }

  send(message: Message, entries?: Uint8Array): void {
    const end = message.from === this.one.id ? this.one : this.other;
    this.#isSending = true;
    try {
      end.transport.send(message, entries);
    } finally {
      this.#isSending = false;
    }
  }

  /** Sends until it has arrived: any one message may get lost, but not all of them. */
  async deliver(message: Message, entries?: Uint8Array): Promise<Arrived> {
    const arrived = message.to === this.one.id ? this.atOne : this.atOther;
    const key = JSON.stringify(sorted(message));
    let cancel = (): void => {};
    const found = new Promise<Arrived>((resolve) => {
      const look = (): void => {
        const hit = arrived.find((each) => JSON.stringify(sorted(each.message)) === key);
        if (hit !== undefined) resolve(hit);
        else {
          this.send(message, entries);
          cancel = systemClock.setTimer(look, AGAIN_MS);
        }
      };
      look();
    });
    try {
      return await withPatience(found, `${message.type}, unaltered`, this.#patienceMs);
    } finally {
      cancel();
    }
  }
}

function sorted(message: Message): [string, unknown][] {
  return Object.entries(message).toSorted(([one], [other]) => (one < other ? -1 : 1));
}

/** What every transport must do. `create` is called once per test. */
export function transportComplianceSuite(
  test: TestFunction,
  create: () => Promise<TransportUnderTest>,
): void {
  const check: Check = (name, body) => withPair(test, create, name, body);
  delivery(check);
  losses(check);
}

/** What every transport must do on a network that does not. `create` is called once per test. */
export function transportFaultsComplianceSuite(
  test: TestFunction,
  create: () => Promise<FaultyTransportUnderTest>,
): void {
  withPair(test, create, 'drops what it cannot send, and does not throw', async (pair, network) => {
    const { one, other } = pair;
    const entries = bytesOf(LARGE_BYTES, 1);
    await pair.deliver({ type: 'timeoutNow', from: one.id, to: other.id, term: 1 });
    network.cut();
    for (let round = 1; round <= FLOOD; round++) {
      pair.send(append(one.id, other.id, round), entries);
      pair.send({ type: 'timeoutNow', from: other.id, to: one.id, term: round });
      // Some of them when it has noticed.
      await new Promise<void>((resolve) => systemClock.defer(resolve));
    }
  });

  withPair(test, create, 'gets through again after it was cut off', async (pair, network) => {
    const { one, other } = pair;
    for (let term = 1; term <= 3; term++) {
      await pair.deliver({ type: 'timeoutNow', from: one.id, to: other.id, term });
      network.cut();
      const lost = { from: one.id, to: other.id, term: 100 + term };
      pair.send({ type: 'heartbeat', ...lost, commit: 0, round: 0 });
      await new Promise<void>((resolve) => systemClock.defer(resolve));
      network.heal();
      await pair.deliver({ type: 'timeoutNow', from: other.id, to: one.id, term });
      const { entries } = await pair.deliver(append(one.id, other.id, term), bytesOf(100, term));
      assert.ok(Buffer.from(entries!).equals(bytesOf(100, term)), `those of term ${term}`);
    }
  });
}

function withPair<Subject extends TransportUnderTest>(
  test: TestFunction,
  create: () => Promise<Subject>,
  name: string,
  body: (pair: Pair, subject: Subject) => Promise<void>,
): void {
  test(name, async () => {
    const subject = await create();
    try {
      await body(new Pair(subject), subject);
    } finally {
      await subject.dispose();
    }
  });
}

type Check = (name: string, body: (pair: Pair) => Promise<void>) => void;

function delivery(check: Check): void {
  check('carries every kind of message unaltered, in both directions', async (pair) => {
    const { one, other } = pair;
    for (const message of [...messages(one.id, other.id), ...messages(other.id, one.id)]) {
      const copy = structuredClone(message);
      const { message: arrived, entries } = await pair.deliver(message);
      assert.deepEqual({ ...arrived }, copy);
      assert.equal(entries?.length ?? 0, 0);
    }
  });

  check('carries entries, byte for byte, small and large', async (pair) => {
    for (const [round, length] of [1, 64, 65_537, LARGE_BYTES].entries()) {
      const message = append(pair.one.id, pair.other.id, round);
      const { entries } = await pair.deliver(message, bytesOf(length, round));
      assert.ok(Buffer.from(entries!).equals(bytesOf(length, round)), `${length} bytes`);
    }
  });

  check('leaves the bytes alone that it is given', async (pair) => {
    const entries = bytesOf(70_000, 1);
    await pair.deliver(append(pair.one.id, pair.other.id, 1), entries);
    assert.ok(Buffer.from(entries).equals(bytesOf(70_000, 1)), 'the sender’s bytes');
  });

  check('leaves the bytes alone that it has handed over', async (pair) => {
    const { one, other } = pair;
    for (let round = 0; round < 40; round++) {
      await pair.deliver(append(one.id, other.id, round), bytesOf(3_000, round));
    }
    for (const { message, entries } of pair.atOther) {
      const { round } = message as Message & { readonly round: number };
      assert.ok(Buffer.from(entries!).equals(bytesOf(3_000, round)), `those of message ${round}`);
    }
  });

  check('calls nobody back from within a send', async (pair) => {
    const { one, other } = pair;
    await pair.deliver({ type: 'timeoutNow', from: one.id, to: other.id, term: 1 });
    await pair.deliver(append(other.id, one.id, 1), bytesOf(10, 1));
    assert.equal(pair.wasCalledBack, false);
  });

  check('hands every node what is for it, from whom it is', async (pair) => {
    const { one, other } = pair;
    for (let term = 1; term <= 5; term++) {
      await pair.deliver({ type: 'timeoutNow', from: one.id, to: other.id, term });
      await pair.deliver({ type: 'timeoutNow', from: other.id, to: one.id, term });
    }
    for (const { message } of pair.atOne) {
      assert.deepEqual([message.from, message.to], [other.id, one.id]);
    }
    for (const { message } of pair.atOther) {
      assert.deepEqual([message.from, message.to], [one.id, other.id]);
    }
  });
}

function losses(check: Check): void {
  check('drops what is for nobody it knows, and goes on', async (pair) => {
    const { one, other } = pair;
    const stranger = one.id + other.id;
    pair.send({ type: 'timeoutNow', from: one.id, to: stranger, term: 1 });
    pair.send(append(one.id, stranger, 1), bytesOf(100, 1));
    await pair.deliver({ type: 'timeoutNow', from: one.id, to: other.id, term: 2 });
    const arrived = [...pair.atOne, ...pair.atOther].map(({ message }) => message.to);
    assert.ok(!arrived.includes(stranger), `arrived for ${arrived}`);
  });

  check('takes a flood without throwing, and goes on', async (pair) => {
    const { one, other } = pair;
    const entries = bytesOf(LARGE_BYTES, 1);
    for (let round = 1; round <= FLOOD; round++) {
      pair.send(append(one.id, other.id, round), entries);
    }
    await pair.deliver({ type: 'timeoutNow', from: one.id, to: other.id, term: 9 });
    await pair.deliver(append(one.id, other.id, FLOOD + 1), bytesOf(10, 2));
    for (const arrived of pair.atOther) {
      const isLarge = arrived.entries?.length === LARGE_BYTES;
      if (isLarge) assert.ok(Buffer.from(arrived.entries).equals(entries), 'damaged in the flood');
    }
  });
}

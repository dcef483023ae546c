import { systemClock } from '@dle/common';
import { describe, it } from 'vitest';
import type { Message } from '../../../src/index.js';
import {
  type FaultyTransportUnderTest,
  transportComplianceSuite,
  transportFaultsComplianceSuite,
} from '../../../src/testing/index.js';
import { catchesDefects, type Defect } from './defects.js';

type Receive = (message: Message, entries?: Uint8Array) => void;
type Send = (message: Message, entries?: Uint8Array) => void;

/** What carries, in place of what does it well: `send`, or at once, `deliver`. */
type Change = (send: Send, deliver: Send, isCut: () => boolean) => Send;

/** Two nodes in one process. */
async function inProcess(change: Change = (send) => send): Promise<FaultyTransportUnderTest> {
  const receivers = new Map<number, Receive>();
  let isCut = false;
  const deliver: Send = (message, entries) => {
    if (!isCut) receivers.get(message.to)?.(message, entries);
  };
  const send: Send = (message, entries) => systemClock.defer(() => deliver(message, entries));
  const carry = change(send, deliver, () => isCut);
  const end = (id: number) => ({
    id,
    transport: { send: carry },
    onMessage: (receive: Receive) => receivers.set(id, receive),
  });
  return {
    ends: [end(1), end(2)],
    dispose: async () => {},
    cut: () => {
      isCut = true;
    },
    heal: () => {
      isCut = false;
    },
  };
}

describe('a transport within a process', () => {
  transportComplianceSuite(it, () => inProcess());
  transportFaultsComplianceSuite(it, () => inProcess());
});

function broken(caughtBy: string, change: Change): Defect<Promise<FaultyTransportUnderTest>> {
  return { caughtBy, create: async () => ({ ...(await inProcess(change)), patienceMs: 500 }) };
}

describe('transports', () => {
  catchesDefects(transportComplianceSuite, {
    'knows only numbers of 32 bits': broken(
      'carries every kind of message unaltered, in both directions',
      (send) => (message, entries) => {
        const narrow = (value: unknown) => (typeof value === 'number' ? value >>> 0 : value);
        const fields = Object.entries(message).map(([name, value]) => [name, narrow(value)]);
        send(Object.fromEntries(fields) as Message, entries);
      },
    ),
    'cuts off what is large': broken(
      'carries entries, byte for byte, small and large',
      (send) => (message, entries) => send(message, entries?.subarray(0, 65_536)),
    ),
    'clears what it has sent': broken(
      'leaves the bytes alone that it is given',
      (send) => (message, entries) => {
        send(message, entries?.slice());
        entries?.fill(0);
      },
    ),
    'receives everything into the same memory': broken(
      'leaves the bytes alone that it has handed over',
      (send) => {
        const memory = new Uint8Array(2 * 1024 * 1024);
        return (message, entries) => {
          memory.set(entries ?? []);
          send(message, memory.subarray(0, entries?.length ?? 0));
        };
      },
    ),
    'hands everything to everybody': broken(
      'hands every node what is for it, from whom it is',
      (send) => (message, entries) => {
        for (const to of [1, 2]) send({ ...message, to }, entries);
      },
    ),
    'throws where it knows nobody': broken(
      'drops what is for nobody it knows, and goes on',
      (send) => (message, entries) => {
        if (message.to > 2) throw new Error('nobody is there');
        send(message, entries);
      },
    ),
    'throws where too much is under way': broken(
      'takes a flood without throwing, and goes on',
      (send) => {
        let sent = 0;
        return (message, entries) => {
          sent += entries?.length ?? 0;
          if (sent > 32 * 1024 * 1024) throw new Error('too much at once');
          send(message, entries);
        };
      },
    ),
    'hands over while it is called': broken(
      'calls nobody back from within a send',
      (_, deliver) => deliver,
    ),
  });

  catchesDefects(transportFaultsComplianceSuite, {
    'throws while it is cut off': broken(
      'drops what it cannot send, and does not throw',
      (send, _, isCut) => (message, entries) => {
        if (isCut()) throw new Error('not connected');
        send(message, entries);
      },
    ),
    'connects once': broken('gets through again after it was cut off', (send, _, isCut) => {
      let isLost = false;
      return (message, entries) => {
        isLost ||= isCut();
        if (!isLost) send(message, entries);
      };
    }),
  });
});

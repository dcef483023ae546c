import { expect, test } from 'vitest';
import { Keepalive } from '../src/keepalive.js';
import { VirtualClock } from './support/virtual-clock.js';

function world(): { clock: VirtualClock; keepalive: Keepalive; log: string[] } {
  const clock = new VirtualClock();
  const log: string[] = [];
  const keepalive = new Keepalive(
    { clock, ping: () => log.push('ping'), dead: (silentMs) => log.push(`dead ${silentMs}`) },
    { intervalMs: 100 },
  );
  keepalive.start();
  return { clock, keepalive, log };
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('a talking connection is left alone', async () => {
  const { clock, keepalive, log } = world();
  for (let tick = 0; tick < 10; tick++) {
    keepalive.heard();
    keepalive.said();
    clock.advance(100);
    await turn();
  }
  expect(log).toEqual([]);
});

test('silence is asked about, and after two silent intervals the other side is dead', async () => {
  const { clock, log } = world();
  clock.advance(100);
  expect(log).toEqual([]);
  clock.advance(100);
  expect(log).toEqual(['ping']);
  clock.advance(100);
  expect(log).toEqual(['ping', 'ping']);
  await turn();
  expect(log).toEqual(['ping', 'ping', 'dead 200']);
});

test('an answer to the ping counts', async () => {
  const { clock, keepalive, log } = world();
  clock.advance(200);
  for (let tick = 0; tick < 10; tick++) {
    keepalive.heard();
    clock.advance(100);
    await turn();
  }
  expect(log.filter((line) => line !== 'ping')).toEqual([]);
});

test('a listener that has nothing to say gives a sign of life each interval', () => {
  const { clock, keepalive, log } = world();
  clock.advance(100);
  for (let tick = 0; tick < 3; tick++) {
    keepalive.heard();
    clock.advance(100);
  }
  expect(log).toEqual(['ping', 'ping', 'ping']);
});

test('bytes that arrived while this process was stopped are read before anyone is declared dead', async () => {
  const { clock, keepalive, log } = world();
  clock.advance(300);
  // The timer was late; what lay in the socket is read in the same turn of the event loop.
  keepalive.heard();
  await turn();
  expect(log.some((line) => line.startsWith('dead'))).toBe(false);
});

test('a side too busy to listen declares nobody dead, and goes on giving signs of life', async () => {
  const { clock, keepalive, log } = world();
  keepalive.setDeaf(true);
  clock.advance(1_000);
  await turn();
  expect(log).toEqual(Array(9).fill('ping'));
  keepalive.setDeaf(false);
  clock.advance(200);
  await turn();
  expect(log.at(-1)).toBe('dead 200');
});

test('nothing happens after stop', async () => {
  const { clock, keepalive, log } = world();
  clock.advance(300);
  keepalive.stop();
  await turn();
  expect(log).toEqual(['ping', 'ping']);
  expect(clock.delays).toEqual([]);
});

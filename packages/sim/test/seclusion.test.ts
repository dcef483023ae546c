import { nodeSockets } from '@dle/net';
import { describe, expect, it } from 'vitest';
import { secluded } from '../src/seclusion.js';

describe('whoever is secluded', () => {
  it.each<[string, () => unknown]>([
    ['setTimeout', () => setTimeout(() => {}, 1)],
    ['setImmediate', () => setImmediate(() => {})],
    ['now', () => performance.now()],
    ['now', () => Date.now()],
    ['random', () => Math.random()],
    ['connect', () => nodeSockets.connect({ host: '127.0.0.1', port: 1 })],
  ])('does not get at the real %s, not even by catching the error', async (name, reach) => {
    const message = `the real ${name}`;
    await expect(secluded(async () => void reach())).rejects.toThrow(message);
    const caught = async (): Promise<void> => {
      try {
        reach();
      } catch {}
    };
    await expect(secluded(caught)).rejects.toThrow(message);
  });

  it('holds no process, and has no other interval', async () => {
    const held = async (): Promise<NodeJS.Timeout> => setInterval(() => {}, 2 ** 30);
    clearInterval(await secluded(held));
    const timed = async (): Promise<NodeJS.Timeout> => setInterval(() => {}, 1);
    await expect(secluded(timed)).rejects.toThrow('the real setInterval');
  });

  it('has them back afterwards', async () => {
    const before = performance.now();
    expect(await secluded(async () => 'done')).toBe('done');
    await new Promise((resolve) => setTimeout(resolve, 1));
    expect(performance.now()).toBeGreaterThan(before);
    expect(Date.now()).toBeGreaterThan(0);
  });
});

import { DleError } from '@dle/common';
import { describe, expect, it } from 'vitest';
import type { Participation } from '../../src/replica/participation.js';
import type { Replica } from '../../src/replica/replica.js';
import { ReplicaKeeper } from '../../src/replica/replica-keeper.js';

/** Replicas that know their names alone, and consensus that writes down what it is told. */
function setUp() {
  const events: string[] = [];
  const replica = (name: string): Replica => {
    const close = async (): Promise<void> => void events.push(`close ${name}`);
    return { name, close } as unknown as Replica;
  };
  const nameOf = (one: Replica): string => (one as unknown as { name: string }).name;
  const participation = {
    end: (why: DleError) => void events.push(`end: ${why.code}`),
    begin: async (one: Replica) => void events.push(`begin ${nameOf(one)}`),
  } as unknown as Participation;
  const keeper = new ReplicaKeeper(replica('a'), (error) => events.push(`failed: ${error.code}`));
  return { events, replica, nameOf, participation, keeper };
}

describe('a keeper of replicas', () => {
  it('has one take the place of another, and serves none meanwhile', async () => {
    const { events, replica, nameOf, participation, keeper } = setUp();
    await keeper.replace(participation, 'a reason', async (old) => {
      expect(nameOf(old)).toBe('a');
      const absent = expect.objectContaining({ code: 'DLE_UNAVAILABLE', retryable: true });
      expect(() => keeper.serving).toThrow(absent);
      return replica('b');
    });
    expect(nameOf(keeper.serving)).toBe('b');
    expect(events).toEqual(['end: DLE_UNAVAILABLE', 'begin b']);
  });

  it('does so one after the other, each with what the one before has left', async () => {
    const { events, replica, nameOf, participation, keeper } = setUp();
    const seen: string[] = [];
    const next = (name: string) =>
      keeper.replace(participation, name, async (old) => {
        seen.push(nameOf(old));
        return replica(name);
      });
    await Promise.all([next('b'), next('c'), next('d')]);
    expect(seen).toEqual(['a', 'b', 'c']);
    expect(events.filter((event) => event.startsWith('begin'))).toEqual([
      'begin b',
      'begin c',
      'begin d',
    ]);
  });

  it('closes in the middle of it what was made, and begins nothing on it', async () => {
    const { events, replica, participation, keeper } = setUp();
    let made = (_: Replica): void => {};
    const replaced = keeper.replace(
      participation,
      'a reason',
      () => new Promise((resolve) => (made = resolve)),
    );
    // It has begun.
    await Promise.resolve();
    const closed = keeper.close();
    const late = keeper.replace(participation, 'too late', async (old) => old);
    made(replica('b'));
    await expect(replaced).rejects.toMatchObject({ code: 'DLE_ABORTED' });
    await expect(late).rejects.toMatchObject({ code: 'DLE_ABORTED' });
    await closed;
    expect(events).toEqual(['end: DLE_UNAVAILABLE', 'close b']);
  });

  it('says why there is none any more, until one is made of what is left', async () => {
    const { events, replica, nameOf, participation, keeper } = setUp();
    const failing = keeper.replace(participation, 'a reason', async () => {
      throw new DleError('DLE_IO', 'the disk is gone');
    });
    await expect(failing).rejects.toMatchObject({ code: 'DLE_IO' });
    expect(events).toEqual(['end: DLE_UNAVAILABLE', 'failed: DLE_IO']);
    expect(() => keeper.serving).toThrow(expect.objectContaining({ code: 'DLE_UNAVAILABLE' }));
    expect(keeper.failure).toMatchObject({ code: 'DLE_IO' });
    expect(keeper.isReplacing).toBe(false);
    await keeper.replace(participation, 'a reason', async (old) => {
      expect(nameOf(old)).toBe('a');
      expect(keeper.failure).toBeUndefined();
      expect(keeper.isReplacing).toBe(true);
      return replica('b');
    });
    expect(nameOf(keeper.serving)).toBe('b');
    await keeper.close();
  });
});

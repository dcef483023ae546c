import type { LogStore } from '../../store/log-store.js';
import { Broken } from './crash-failure.js';
import type { State } from './model.js';
import type { World } from './world.js';

/** What the store holds, by `getSync` of all keys that there may be. */
export function stateOf(world: World, store: LogStore): State {
  const state = new Map<string, Uint8Array>();
  for (const key of world.workload.keys) {
    const value = store.getSync(world.workload.bytesOf(key));
    if (value !== undefined) state.set(key, value);
  }
  const { keys, liveBytes } = store.stats();
  if (keys !== state.size) throw new Broken(`stats: ${keys} keys, and ${state.size} are found`);
  const counted = liveBytesOf(state);
  if (liveBytes !== counted) {
    throw new Broken(`stats: ${liveBytes} bytes count, and ${counted} are found`);
  }
  return state;
}

/** Of the records that hold `state`: 64 bytes, key and value, to a multiple of 8. */
function liveBytesOf(state: State): number {
  let bytes = 0;
  for (const [key, value] of state) bytes += 64 + Math.ceil((key.length + value.length) / 8) * 8;
  return bytes;
}

/** All keys at once: they are what some number of writes has left. */
export function compareAll(world: World, store: LogStore): void {
  const { model, history, coverage } = world;
  const state = stateOf(world, store);
  const count = model.find(state);
  if (count === undefined) throw new Broken(`reads while running: ${model.explain(state)}`);
  history.add(`all keys are as after ${count} writes`);
  coverage.count('all keys compared while running');
  model.seen(count);
}

/** A snapshot stays what it was, whatever happens between its pages. */
export async function readSnapshot(
  world: World,
  store: LogStore,
  between: () => Promise<void>,
): Promise<void> {
  const { dice, model, history, coverage } = world;
  const [from, to] = [model.kept, model.count];
  const snapshot = store.snapshotKeys();
  history.add(`snapshot of ${snapshot.size} keys`);
  const state = new Map<string, Uint8Array>();
  for (;;) {
    const pairs = snapshot.next(dice.magnitude(4_000));
    if (pairs.length === 0) break;
    for (const { key, value } of pairs) state.set(Buffer.from(key).toString('latin1'), value);
    await between();
  }
  snapshot.close();
  if (model.find(state, from, to) === undefined) {
    throw new Broken(`a snapshot after ${from} to ${to} writes: ${model.explain(state)}`);
  }
  history.add(`snapshot read, ${state.size} keys`);
  coverage.count('read of a whole snapshot');
}

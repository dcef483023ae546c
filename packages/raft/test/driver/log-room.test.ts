import { DleError, silentLogger } from '@dle/common';
import { expect, it } from 'vitest';
import { LogRoom, withoutRoom } from '../../src/driver/log-room.js';
import type { LogPort, Proposal } from '../../src/driver/ports.js';
import { VirtualClock } from './virtual-clock.js';

/** A log with room for so many bytes, and what is logged of that. */
function setUp() {
  const clock = new VirtualClock();
  const state = { room: 100, code: 'DLE_DISK_FULL' as const };
  const lines: string[] = [];
  const log = {
    reserve: (bytes: number) => {
      if (bytes > state.room) throw new DleError(state.code, `no room for ${bytes}`);
    },
  } as unknown as LogPort<Proposal>;
  const say = (_: object, line: string) => void lines.push(line);
  const logger = { ...silentLogger, info: say, error: say };
  return { clock, state, lines, room: new LogRoom({ log, clock, logger }, 1_000) };
}

it('that there is no room is said once, and so is that there is some again', () => {
  const { state, lines, room } = setUp();
  for (let times = 0; times < 3; times++) expect(room.take(200)).toBeInstanceOf(DleError);
  expect(lines).toEqual(['the log takes no entries: no room for 200']);
  state.room = 300;
  for (let times = 0; times < 3; times++) expect(room.take(200)).toBeUndefined();
  expect(lines.slice(1)).toEqual(['the log takes entries again']);
});

it('what is smaller may fit, and is no sign that there is room for what was refused', () => {
  const { state, room } = setUp();
  room.take(200);
  room.take(150);
  expect(room.take(50)).toBeUndefined();
  expect(room.refusal?.message).toContain('no room');
  // As much as the least that was refused.
  state.room = 150;
  expect(room.take(50)).toBeUndefined();
  expect(room.refusal).toBeUndefined();
});

it('a lack of room that lasts is overdue once in a while', async () => {
  const { clock, state, room } = setUp();
  room.take(200);
  expect(room.overdue()).toBeUndefined();
  await clock.pass(999);
  room.take(200);
  expect(room.overdue()).toBeUndefined();
  await clock.pass(1);
  expect(room.overdue()).toMatchObject({ code: 'DLE_DISK_FULL' });
  expect(room.overdue()).toBeUndefined();
  await clock.pass(1_000);
  expect(room.overdue()).toBeDefined();
  state.room = 200;
  room.take(200);
  await clock.pass(5_000);
  expect(room.overdue()).toBeUndefined();
});

it('what another node may have room for may be tried again there', () => {
  const broken = withoutRoom(new DleError('DLE_IO', 'create: EROFS'));
  expect(broken).toMatchObject({ code: 'DLE_UNAVAILABLE', retryable: true, effect: 'none' });
  expect(broken.message).toContain('EROFS');
  const full = new DleError('DLE_DISK_FULL', 'full', { retryable: true });
  expect(withoutRoom(full)).toBe(full);
});

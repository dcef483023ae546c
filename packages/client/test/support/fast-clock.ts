import { type Clock, systemClock } from '@dle/common';

/** Real time, twenty times as fast: time-outs of seconds pass in a moment, and in their order. */
const SPEED = 20;

export const fastClock: Clock = {
  now: () => systemClock.now() * SPEED,
  setTimer: (callback, delayMs) => systemClock.setTimer(callback, delayMs / SPEED),
  defer: systemClock.defer,
};

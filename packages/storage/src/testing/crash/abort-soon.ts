import type { World } from './world.js';

/** Has `controller` abort after some turns, up to `mostTurns`. */
export function abortSoon(
  { dice, time }: World,
  controller: AbortController,
  mostTurns: number,
): void {
  let turns = dice.magnitude(mostTurns) - 1;
  const wait = (): void => {
    if (turns-- > 0) time.defer(wait);
    else controller.abort();
  };
  wait();
}

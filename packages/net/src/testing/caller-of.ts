import { FrameParser } from '../frame-parser.js';
import { readHello } from '../greeting.js';
import { MAX_HELLO_BYTES } from '../limits.js';

/**
 * Who says this hello, for a FaultProxy: `client`, or the id of the member as decimal digits;
 * `stranger` where it is no hello; `undefined` while it has not come whole.
 */
export function callerOf(bytes: Uint8Array): string | undefined {
  try {
    const frames = new FrameParser(MAX_HELLO_BYTES);
    frames.push(bytes);
    if (!frames.next()) return undefined;
    const { role, node } = readHello(frames.control());
    return role === 'client' ? 'client' : `${node ?? 'stranger'}`;
  } catch {
    return 'stranger';
  }
}

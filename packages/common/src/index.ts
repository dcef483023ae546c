export {
  compareBytes,
  concatBytes,
  EMPTY_BYTES,
  equalBytes,
  readUint64,
  toBytes,
  toText,
  writeUint64,
} from './bytes.js';
export { type Clock, systemClock } from './clock.js';
export { crc32 } from './crc32.js';
export {
  assert,
  DleError,
  type DleErrorCode,
  type DleErrorOptions,
  type Effect,
  type ErrorDetails,
  isDleError,
} from './errors.js';
export { MAX_KEY_BYTES, MAX_VALUE_BYTES } from './limits.js';
export { type Logger, silentLogger } from './logger.js';
export { type Random, randomBelow, randomId, SeededRandom, systemRandom } from './random.js';

/** For the sister packages: it promises nothing to others. What the programs dle and dle-store share. */
export {
  EXIT_FAILED,
  EXIT_USAGE,
  failureLine,
  failureOf,
  UsageError,
} from './cli/failure.js';
export { type Input, openInput, readValue, STANDARD_INPUT } from './cli/input.js';
export { bytesToJson, jsonl } from './cli/jsonl.js';
export { LineSplitter, MAX_LINE_BYTES } from './cli/lines.js';
export { runProgram } from './cli/program.js';
export { badLine, type Pair, type RecordFormat } from './cli/record-format.js';
export {
  shelterOperands,
  unshelterArguments,
  WORDS_AS_THEY_STAND,
  withoutShelter,
} from './cli/words.js';

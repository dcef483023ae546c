import { runProgram } from '@dle/common/internal';
import { PROGRAM } from './context.js';
import { run } from './run.js';

await runProgram(PROGRAM, run);

import { runProgram } from '@dle/common/internal';
import { run } from './run.js';

await runProgram('dle', run);

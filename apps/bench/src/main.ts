import { run } from './run.js';

// An interrupted run may leave promises behind that only time would settle: nobody waits for them.
process.exit(await run(process.argv.slice(2)));

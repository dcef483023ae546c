// A process that opens the store in the directory it is given, says so, and holds it until it is
// killed.
import { LogStore } from '../../dist/index.js';

await LogStore.open(process.argv[2]);
console.log('open');
setInterval(() => {}, 1_000);

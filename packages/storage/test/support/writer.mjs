// A process that writes to the store in the directory it is given until it is killed: key n gets
// value n, from the number it is given on. It prints the last number of each run of numbers that
// was acknowledged.
import { LogStore } from '../../dist/index.js';

const [, , directory, first, durability] = process.argv;
const store = await LogStore.open(directory, { segmentSize: 65_536, durability });
let next = Number(first);
console.log('open');

async function write() {
  for (;;) {
    const number = next++;
    await store.put(`key ${number}`, `value ${number} `.padEnd(number % 900, '.'));
    // Writes are acknowledged in order: all before this one have been.
    process.stdout.write(`${number}\n`);
  }
}

await Promise.all(Array.from({ length: 16 }, write));

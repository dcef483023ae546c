// A process that says what it has made of the native addon.
import { nativeStatus } from '../../dist/index.js';

console.log(JSON.stringify(nativeStatus()));

/**
 * One of the three bare processes of the limit probe: `node probe-process.js FILE`. It appends what
 * it is sent to FILE, flushes, and answers; what arrives during a flush shares the next. A read is
 * answered with a value that it always has at hand. It prints its port, and ends when its standard
 * input does.
 */
import * as fs from 'node:fs';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { FrameReader, FrameWriter, PUT, parseRequest, replyFrame } from './probe-frames.js';
import { VALUE_BYTES } from './workload.js';

/** Allocated beforehand, as the segments of the store are; then it begins again at the start. */
const FILE_BYTES = 64 * 1024 ** 2;
const VALUE = new Uint8Array(VALUE_BYTES).fill(1);

/** A put that waits for its flush. */
interface Waiting {
  readonly id: number;
  readonly payload: Uint8Array;
  readonly writer: FrameWriter;
}

const file = fs.openSync(process.argv[2]!, 'w+');
fs.writeSync(file, new Uint8Array(FILE_BYTES));
fs.fdatasyncSync(file);

let end = 0;
let waiting: Waiting[] = [];
let isFlushing = false;

function commit(): void {
  if (isFlushing || waiting.length === 0) return;
  isFlushing = true;
  const group = waiting;
  waiting = [];
  const bytes = Buffer.concat(group.map(({ payload }) => payload));
  if (end + bytes.length > FILE_BYTES) end = 0;
  fs.writeSync(file, bytes, 0, bytes.length, end);
  end += bytes.length;
  fs.fdatasync(file, (error) => {
    if (error !== null) throw error;
    for (const { id, writer } of group) writer.send(replyFrame(id));
    isFlushing = false;
    commit();
  });
}

function serve(socket: Socket): void {
  const writer = new FrameWriter(socket);
  const reader = new FrameReader((body) => {
    const { kind, id, payload } = parseRequest(body);
    if (kind === PUT) waiting.push({ id, payload, writer });
    else writer.send(replyFrame(id, VALUE));
  });
  socket.on('data', (chunk: Buffer) => {
    reader.push(chunk);
    // What came in one piece is flushed as one.
    commit();
  });
  socket.on('error', () => socket.destroy());
}

const server = createServer(serve);
server.listen(0, '127.0.0.1', () => {
  process.stdout.write(`${(server.address() as AddressInfo).port}\n`);
});
process.stdin.on('end', () => process.exit(0));
process.stdin.resume();

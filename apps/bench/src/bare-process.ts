import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { FrameReader, FrameWriter, parseReply, requestFrame } from './probe-frames.js';

const PROGRAM = fileURLToPath(new URL('./probe-process.js', import.meta.url));

export type ReplyListener = (id: number, payload: Uint8Array) => void;

/** One process of the limit probe, and the connection to it. */
export class BareProcess {
  readonly #child: ChildProcessByStdio<Writable, Readable, null>;
  readonly #exited: Promise<unknown>;
  readonly #onFailure: (error: Error) => void;
  #socket: Socket | undefined;
  #writer: FrameWriter | undefined;
  #isStopping = false;

  /** It keeps what it is sent in `file`. `onFailure` is told if it ends before it is stopped. */
  constructor(file: string, onFailure: (error: Error) => void) {
    this.#onFailure = onFailure;
    // It ends with its standard input, so that it never outlives this process.
    this.#child = spawn(process.execPath, [PROGRAM, file], { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#exited = new Promise((resolve) => this.#child.once('close', resolve));
    this.#child.once('error', onFailure);
    this.#child.once('exit', (code, signal) => this.#fail(`it ended with ${signal ?? code}`));
  }

  /** Waits until it listens, and connects. */
  async connect(onReply: ReplyListener): Promise<void> {
    const [port] = (await once(this.#child.stdout, 'data')) as [Buffer];
    const socket = connect(Number(port.toString()), '127.0.0.1');
    this.#socket = socket;
    socket.on('error', (error) => this.#fail(error.message));
    await once(socket, 'connect');
    const reader = new FrameReader((body) => {
      const { id, payload } = parseReply(body);
      onReply(id, payload);
    });
    socket.on('data', (chunk: Buffer) => reader.push(chunk));
    this.#writer = new FrameWriter(socket);
  }

  send(kind: number, id: number, payload: Uint8Array): void {
    this.#writer!.send(requestFrame(kind, id, payload));
  }

  /** Kills it; resolves when it is gone. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    this.#socket?.destroy();
    this.#child.kill('SIGKILL');
    await this.#exited;
  }

  #fail(reason: string): void {
    if (!this.#isStopping)
      this.#onFailure(new Error(`a process of the limit probe failed: ${reason}`));
  }
}

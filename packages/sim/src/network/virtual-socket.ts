import { EventEmitter } from 'node:events';
import type { Socket } from '@dle/net';
import type { Life } from '../time/life.js';
import type { VirtualTime } from '../time/virtual-time.js';
import { Lane } from './lane.js';
import type { MessageFate } from './messages.js';
import type { NetworkPlan } from './network-plan.js';

/** Most bytes that a process is given at once. */
const MAX_CHUNK_BYTES = 65_536;

/** What a socket needs of the network it is in. */
export interface Wire extends MessageFate {
  readonly time: VirtualTime;
  readonly plan: NetworkPlan;
  /** Where a chunk of `bytes` that have arrived ends: often all of them. */
  cut(bytes: number): number;
  /** How long the next packet takes from host to host, in milliseconds. */
  latency(from: number, to: number): number;
  isLost(): boolean;
  /** Damages a packet of `host`, if it is one of those that arrive damaged. */
  spoil(packet: Uint8Array, host: number): void;
  isUp(from: number, to: number): boolean;
  /** Whether a host has power. */
  hasPower(host: number): boolean;
  closed(socket: VirtualSocket): void;
}

export interface SocketPlace {
  readonly life: Life;
  readonly host: number;
  readonly remote: { readonly host: number; readonly address: string; readonly port: number };
}

interface Writing {
  readonly bytes: Uint8Array;
  taken: number;
  readonly done: ((error?: Error | null) => void) | undefined;
}

/**
 * One end of a connection, as `node:net` has it: what happens to it happens to the life of the
 * process that it belongs to. Its kernel takes bytes at once while the window has room.
 */
export class VirtualSocket extends EventEmitter implements Socket {
  readonly host: number;
  readonly remoteHost: number;
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly life: Life;
  destroyed = false;
  closed = false;
  readonly #wire: Wire;
  #lane: Lane | undefined;
  #peer: VirtualSocket | undefined;
  #writing: Writing[] = [];
  #corked = 0;
  #ending = false;
  #hasEnded = false;
  #inbox: Uint8Array[] = [];
  #inboxBytes = 0;
  #peerHasEnded = false;
  #paused = false;
  #waking = false;
  /** Its process has it. */
  #exposed: boolean;
  #isOpen = false;

  constructor(wire: Wire, place: SocketPlace, exposed: boolean) {
    super();
    this.#exposed = exposed;
    this.#wire = wire;
    this.life = place.life;
    this.host = place.host;
    this.remoteHost = place.remote.host;
    this.remoteAddress = place.remote.address;
    this.remotePort = place.remote.port;
  }

  /** Nobody reads from it, or writes to it, any more: its process is gone, or has closed it. */
  get dead(): boolean {
    return this.destroyed || this.life.gone;
  }

  get unreadBytes(): number {
    return this.#inboxBytes;
  }

  join(peer: VirtualSocket): void {
    this.#peer = peer;
    this.#lane = new Lane(this.#wire, this, peer);
  }

  /** It has been let in. */
  connected(): void {
    this.#isOpen = true;
    this.emit('connect');
    this.pump();
    this.#wake();
  }

  /** Its process gets to have it. */
  expose(): void {
    this.#exposed = true;
    this.#isOpen = true;
    this.#wake();
  }

  write(bytes: Uint8Array, taken?: (error?: Error | null) => void): boolean {
    this.#writing.push({ bytes, taken: 0, done: taken });
    if (this.#corked === 0) this.pump();
    return this.#writing.length === 0;
  }

  cork(): void {
    this.#corked++;
  }

  uncork(): void {
    if (--this.#corked === 0) this.pump();
  }

  end(): void {
    this.#ending = true;
    this.pump();
  }

  destroy(error?: Error): void {
    if (this.destroyed) return;
    this.destroyed = true;
    this.#release();
    this.#wire.time.schedule(0, this.life, () => {
      if (error !== undefined && this.#exposed) this.emit('error', error);
      this.closed = true;
      this.emit('close');
    });
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    this.#wake();
  }

  /** The process is gone, and the kernel lets go of what it had. */
  abandon(): void {
    this.destroyed = true;
    this.#release();
  }

  /** The machine has gone off: nobody is told. */
  vanish(): void {
    this.destroyed = true;
    this.#lane?.drop();
    this.#wire.closed(this);
  }

  /** Hands over what the window has room for. */
  pump(): void {
    const lane = this.#lane;
    if (lane === undefined || this.dead || this.#hasEnded) return;
    while (this.#writing.length > 0 && lane.room > 0) {
      const first = this.#writing[0]!;
      const part = first.bytes.subarray(first.taken, first.taken + lane.room);
      first.taken += part.length;
      if (part.length > 0) lane.send(part);
      if (first.taken < first.bytes.length) continue;
      this.#writing.shift();
      const { done } = first;
      if (done !== undefined) this.#wire.time.schedule(0, this.life, () => this.#done(done));
    }
    if (!this.#ending || this.#writing.length > 0) return;
    this.#hasEnded = true;
    lane.sendEnd();
    this.#leaveIfOver();
  }

  /** The network has brought bytes. */
  receive(bytes: Uint8Array): void {
    this.#inbox.push(bytes);
    this.#inboxBytes += bytes.length;
    this.#wake();
  }

  receiveEnd(): void {
    this.#peerHasEnded = true;
    this.#wake();
  }

  /** The connection is broken. */
  break(code: string): void {
    if (this.destroyed) return;
    this.#inbox = [];
    this.#inboxBytes = 0;
    this.#lane?.drop();
    this.destroy(Object.assign(new Error(code), { code }));
  }

  #done(taken: (error?: Error | null) => void): void {
    if (this.destroyed) taken(new Error('the socket was destroyed'));
    else taken();
  }

  #release(): void {
    const unread = this.#inboxBytes > 0;
    this.#writing = [];
    this.#inbox = [];
    this.#inboxBytes = 0;
    if (unread) this.#lane?.reset();
    else if (!this.#hasEnded) this.#lane?.sendEnd();
    this.#hasEnded = true;
    this.#wire.closed(this);
  }

  /** One chunk an event, as the loop of a process takes them. */
  #wake(): void {
    if (this.#waking || this.#paused || this.dead || !this.#isOpen) return;
    if (this.#inboxBytes === 0 && !this.#peerHasEnded) return;
    this.#waking = true;
    this.#wire.time.schedule(0, this.life, () => {
      this.#waking = false;
      if (this.#paused || this.destroyed) return;
      if (this.#inboxBytes > 0) {
        const chunk = this.#takeChunk();
        this.emit('data', chunk);
        this.#peer?.pump();
        this.#wake();
      } else if (this.#peerHasEnded) this.#takeEnd();
    });
  }

  #takeChunk(): Uint8Array {
    const all = this.#inbox.length === 1 ? this.#inbox[0]! : Buffer.concat(this.#inbox);
    const length = Math.min(this.#wire.cut(all.length), MAX_CHUNK_BYTES);
    this.#inbox = length < all.length ? [all.subarray(length)] : [];
    this.#inboxBytes = all.length - length;
    return all.subarray(0, length);
  }

  #takeEnd(): void {
    this.emit('end');
    if (this.destroyed) return;
    this.end();
    this.#leaveIfOver();
  }

  #leaveIfOver(): void {
    if (this.#hasEnded && this.#peerHasEnded && this.#inboxBytes === 0) this.destroy();
  }
}

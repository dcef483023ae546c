import { NETWORK } from '../time/virtual-time.js';
import { MessageShuffle } from './messages.js';
import type { VirtualSocket, Wire } from './virtual-socket.js';

/** Longest wait before a packet is sent again, in milliseconds. */
const MAX_RESEND_MS = 1_000;

/** `end`: no more bytes come. */
type Packet = Uint8Array | 'end';

/**
 * One direction of a connection. Packets arrive in order, one that is lost or cannot get through is
 * sent again and holds up those behind it, until the connection breaks.
 */
export class Lane {
  readonly #wire: Wire;
  readonly #from: VirtualSocket;
  readonly #to: VirtualSocket;
  readonly #packets: Packet[] = [];
  readonly #shuffle: MessageShuffle | undefined;
  #underWayBytes = 0;
  #lastDue = 0;
  #dropped = false;

  constructor(wire: Wire, from: VirtualSocket, to: VirtualSocket) {
    this.#wire = wire;
    this.#from = from;
    this.#to = to;
    const { doubled, overtaken } = wire.plan;
    this.#shuffle = doubled + overtaken > 0 ? new MessageShuffle(wire) : undefined;
  }

  /** Bytes that may be sent now. */
  get room(): number {
    const { windowBytes } = this.#wire.plan;
    return Math.max(0, windowBytes - this.#underWayBytes - this.#to.unreadBytes);
  }

  send(bytes: Uint8Array): void {
    // A copy: its owner may use the memory again, and it may be spoilt on the way.
    const copy = new Uint8Array(bytes);
    const packet = this.#shuffle?.pass(copy) ?? copy;
    if (packet.length === 0) return;
    this.#underWayBytes += packet.length;
    this.#wire.spoil(packet, this.#from.host);
    this.#put(packet);
  }

  sendEnd(): void {
    this.#put('end');
  }

  /** What is under way never arrives. */
  drop(): void {
    this.#dropped = true;
    this.#packets.length = 0;
  }

  /** Tells the other side that there is nobody, which overtakes everything; it may get lost. */
  reset(): void {
    this.drop();
    const { host, remoteHost } = this.#from;
    this.#wire.time.schedule(this.#wire.latency(host, remoteHost), NETWORK, () => {
      if (this.#wire.isUp(host, remoteHost)) this.#to.break('ECONNRESET');
    });
  }

  #put(packet: Packet): void {
    if (this.#dropped) return;
    const { time, plan } = this.#wire;
    const { host, remoteHost } = this.#from;
    const delay = this.#wire.isLost() ? plan.resendMs : 0;
    const due = time.now + delay + this.#wire.latency(host, remoteHost);
    this.#lastDue = Math.max(due, this.#lastDue);
    this.#packets.push(packet);
    time.schedule(this.#lastDue - time.now, NETWORK, () => this.#arrive(plan.resendMs, time.now));
  }

  /** The first packet comes to the other host, or would. As many packets, as many such events. */
  #arrive(resendMs: number, since: number): void {
    if (this.#dropped) return;
    const { host, remoteHost } = this.#from;
    if (this.#wire.isUp(host, remoteHost) && this.#wire.hasPower(remoteHost)) {
      this.#deliver(this.#packets.shift()!);
    } else this.#again(resendMs, since, (nextMs) => this.#arrive(nextMs, since));
  }

  #deliver(packet: Packet): void {
    if (this.#to.dead) {
      if (packet !== 'end') this.#refuse();
    } else if (packet === 'end') this.#to.receiveEnd();
    else {
      const { resendMs } = this.#wire.plan;
      this.#confirm(packet.length, resendMs, this.#wire.time.now);
      this.#to.receive(packet);
    }
  }

  /** It is known to have arrived when word of that comes back. */
  #confirm(bytes: number, resendMs: number, since: number): void {
    if (this.#dropped) return;
    const { host, remoteHost } = this.#from;
    if (this.#wire.isUp(remoteHost, host)) {
      this.#underWayBytes -= bytes;
      this.#from.pump();
    } else this.#again(resendMs, since, (nextMs) => this.#confirm(bytes, nextMs, since));
  }

  #again(resendMs: number, since: number, retry: (nextMs: number) => void): void {
    const { time, plan } = this.#wire;
    if (time.now - since > plan.giveUpMs) {
      this.drop();
      this.#from.break('ETIMEDOUT');
      return;
    }
    const waitMs = Math.min(resendMs, MAX_RESEND_MS);
    time.schedule(waitMs, NETWORK, () => retry(waitMs * 2));
  }

  /** There is nobody any more at the other end. */
  #refuse(): void {
    const { host, remoteHost } = this.#from;
    this.drop();
    this.#wire.time.schedule(this.#wire.latency(remoteHost, host), NETWORK, () => {
      if (this.#wire.isUp(remoteHost, host)) this.#from.break('ECONNRESET');
    });
  }
}

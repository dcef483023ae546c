import type { Address, Arrivals, Listening, Sockets } from '@dle/net';
import { Links } from '@dle/raft/testing';
import { Coverage, type SimEvent } from '../checks/coverage.js';
import type { Dice } from '../dice.js';
import type { Life } from '../time/life.js';
import { NETWORK, type VirtualTime } from '../time/virtual-time.js';
import type { NetworkPlan } from './network-plan.js';
import { VirtualSocket, type Wire } from './virtual-socket.js';

/** Longest way of a packet once the faults are over, in milliseconds. */
const CALM_LATENCY_MS = 1;
const FIRST_KNOCK_MS = 500;
const MAX_KNOCK_MS = 4_000;
const FIRST_FREE_PORT = 40_000;

interface Door {
  readonly life: Life;
  readonly host: number;
  readonly arrivals: Arrivals;
  readonly sockets: Set<VirtualSocket>;
  open: boolean;
  emptied: () => void;
}

/** Hosts, whose numbers stand for them, and the connections between their processes. */
export class VirtualNetwork implements Wire {
  readonly time: VirtualTime;
  readonly plan: NetworkPlan;
  readonly links: Links = new Links();
  readonly #dice: Dice;
  readonly #coverage: Coverage;
  readonly #doors = new Map<string, Door>();
  readonly #sockets = new Set<VirtualSocket>();
  readonly #unpowered = new Set<number>();
  /** How much longer packets take, by host. */
  readonly #slow = new Map<number, number>();
  /** How many of the next packets arrive damaged, by the host that sends them. */
  readonly #garbled = new Map<number, number>();
  #ports = FIRST_FREE_PORT;
  #isCalm = false;

  constructor(
    components: {
      readonly time: VirtualTime;
      readonly dice: Dice;
      readonly coverage?: Coverage | undefined;
    },
    plan: NetworkPlan,
  ) {
    this.time = components.time;
    this.#coverage = components.coverage ?? new Coverage();
    this.#dice = components.dice;
    this.plan = plan;
  }

  /** Connections that are open at either end. */
  get sockets(): ReadonlySet<VirtualSocket> {
    return this.#sockets;
  }

  /** What a process sees of it that lives `life` on `host`. */
  socketsOf(life: Life, host: number): Sockets {
    return {
      connect: (address) => this.#connect(life, host, address),
      listen: (address, arrivals) => this.#listen(life, host, address, arrivals),
    };
  }

  /** The faults are over; what is cut is mended. */
  calmDown(): void {
    this.#isCalm = true;
    this.#slow.clear();
    this.#garbled.clear();
    this.links.heal();
  }

  /** All that goes to or from `host` takes `times` as long. */
  slowDown(host: number, times: number): void {
    this.#slow.set(host, times);
  }

  speedUp(): void {
    this.#slow.clear();
  }

  /** The next `packets` that `host` sends arrive with a bit flipped in them. */
  garble(host: number, packets: number): void {
    this.#garbled.set(host, packets);
  }

  powerOn(host: number): void {
    this.#unpowered.delete(host);
  }

  /** The host goes off, and says nothing of it. */
  powerOff(host: number): void {
    this.#unpowered.add(host);
    for (const socket of this.#sockets) if (socket.host === host) socket.vanish();
  }

  /** A process has ended: the kernel closes what it had. */
  processEnded(life: Life): void {
    for (const socket of this.#sockets) if (socket.life === life) socket.abandon();
  }

  cut(bytes: number): number {
    if (bytes < 2 || !this.#dice.chance(this.plan.cut)) return bytes;
    return this.#dice.between(1, bytes - 1);
  }

  spoil(packet: Uint8Array, host: number): void {
    const left = this.#garbled.get(host) ?? 0;
    if (left === 0) return;
    this.#garbled.set(host, left - 1);
    packet[this.#dice.between(0, packet.length - 1)]! ^= 1 << this.#dice.between(0, 7);
  }

  latency(from: number, to: number): number {
    if (this.#isCalm)
      return this.#dice.within(0, Math.min(CALM_LATENCY_MS, this.plan.maxLatencyMs));
    const times = Math.max(this.#slow.get(from) ?? 1, this.#slow.get(to) ?? 1);
    return this.#dice.within(0, this.plan.maxLatencyMs * times);
  }

  isLost(): boolean {
    return !this.#isCalm && this.#dice.chance(this.plan.lost);
  }

  isDoubled(): boolean {
    return this.#befalls(this.plan.doubled, 'message doubled');
  }

  isOvertaken(): boolean {
    return this.#befalls(this.plan.overtaken, 'message overtaken');
  }

  isUp(from: number, to: number): boolean {
    return this.links.isUp(from, to);
  }

  hasPower(host: number): boolean {
    return !this.#unpowered.has(host);
  }

  closed(socket: VirtualSocket): void {
    this.#sockets.delete(socket);
    for (const door of this.#doors.values()) {
      if (!door.sockets.delete(socket)) continue;
      if (!door.open && door.sockets.size === 0) door.emptied();
    }
  }

  #befalls(probability: number, event: SimEvent): boolean {
    const happens = !this.#isCalm && this.#dice.chance(probability);
    if (happens) this.#coverage.count(event);
    return happens;
  }

  #listen(life: Life, host: number, address: Address, arrivals: Arrivals): Promise<Listening> {
    const name = nameOf(address);
    const other = this.#doors.get(name);
    if (other?.open && !other.life.gone) {
      const error = Object.assign(new Error(`${name} is in use`), { code: 'EADDRINUSE' });
      return Promise.reject(error);
    }
    const door: Door = { life, host, arrivals, sockets: new Set(), open: true, emptied: () => {} };
    this.#doors.set(name, door);
    const close = (): Promise<void> => {
      door.open = false;
      if (door.sockets.size === 0) return Promise.resolve();
      return new Promise((resolve) => {
        door.emptied = () => void this.time.schedule(0, life, resolve);
      });
    };
    return Promise.resolve({ port: address.port, close });
  }

  #connect(life: Life, host: number, address: Address): VirtualSocket {
    const remote = { host: hostOf(address), address: address.host, port: address.port };
    const socket = new VirtualSocket(this, { life, host, remote }, true);
    this.#sockets.add(socket);
    this.#knock(socket, nameOf(address), FIRST_KNOCK_MS);
    return socket;
  }

  #knock(socket: VirtualSocket, name: string, waitMs: number): void {
    const { host, remoteHost } = socket;
    this.time.schedule(this.latency(host, remoteHost), NETWORK, () => {
      if (socket.dead) return;
      const door = this.#doors.get(name);
      const isBothWays = this.isUp(host, remoteHost) && this.isUp(remoteHost, host);
      if (!isBothWays || this.isLost() || !this.hasPower(remoteHost)) {
        const next = Math.min(2 * waitMs, MAX_KNOCK_MS);
        this.time.schedule(waitMs, NETWORK, () => this.#knock(socket, name, next));
      } else if (door === undefined || !door.open || door.life.gone) {
        const later = this.latency(remoteHost, host);
        this.time.schedule(later, NETWORK, () => socket.break('ECONNREFUSED'));
      } else this.#letIn(socket, door);
    });
  }

  #letIn(caller: VirtualSocket, door: Door): void {
    const { host, remoteHost } = caller;
    const remote = { host, address: addressOf(host), port: this.#ports++ };
    const socket = new VirtualSocket(this, { life: door.life, host: remoteHost, remote }, false);
    this.#sockets.add(socket);
    door.sockets.add(socket);
    caller.join(socket);
    socket.join(caller);
    this.time.schedule(0, door.life, () => {
      if (socket.destroyed) return;
      door.arrivals.arrived(socket);
      socket.expose();
    });
    this.time.schedule(this.latency(remoteHost, host), caller.life, () => {
      if (!caller.destroyed) caller.connected();
    });
  }
}

/** The address of a host. */
export function addressOf(host: number): string {
  return `10.0.${host >> 8}.${host & 0xff}`;
}

function hostOf({ host }: Address): number {
  const [, , high, low] = host.split('.').map(Number);
  return high! * 256 + low!;
}

function nameOf({ host, port }: Address): string {
  return `${host}:${port}`;
}

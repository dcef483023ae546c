import type { DleError, Logger } from '@dle/common';
import { SeededRandom } from '@dle/common';
import { createNode, type DleNode } from '@dle/server';
import type { Vfs } from '@dle/storage/internal';
import { MemVfs } from '@dle/storage/testing';
import type { Chronicle } from '../checks/chronicle.js';
import { Dice } from '../dice.js';
import { addressOf, type VirtualNetwork } from '../network/virtual-network.js';
import type { Plan } from '../plan.js';
import { Life } from '../time/life.js';
import type { VirtualTime } from '../time/virtual-time.js';
import { Device } from './device.js';
import { loggerFor } from './logger.js';

const PORT = 9_001;
/** Longest that a clock of a process may have run when it begins, in milliseconds. */
const MAX_START_MS = 1_000_000;

export interface MachineComponents {
  readonly time: VirtualTime;
  readonly network: VirtualNetwork;
  readonly chronicle: Chronicle;
  readonly dice: Dice;
  /** The disk as the node is to see it. */
  readonly disguise: (vfs: MemVfs) => Vfs;
  /** Of what a run of its process is named by. */
  readonly nextNumber: () => number;
  /** A run of the process has begun. */
  readonly born: (life: Life, machine: Machine) => void;
  /** It has ended by itself. */
  readonly exited: (machine: Machine, error: DleError) => void;
}

/** A computer with a disk, on which a node runs, or does not. */
export class Machine {
  readonly id: number;
  readonly name: string;
  readonly address: string;
  /** Whether it is none of those that form the cluster. */
  readonly isSpare: boolean;
  readonly device: Device;
  readonly #components: MachineComponents;
  readonly #plan: Plan;
  readonly #peers: readonly string[];
  readonly #logger: Logger;
  #vfs: MemVfs;
  #life: Life;
  #node: DleNode | undefined;
  #closing = false;

  constructor(components: MachineComponents, plan: Plan, id: number) {
    const { time, chronicle, dice } = components;
    this.#components = components;
    this.#plan = plan;
    this.id = id;
    this.name = `node ${id}`;
    this.address = endpointOf(id);
    this.isSpare = id > plan.nodes;
    const others = Array.from({ length: plan.nodes }, (_, at) => at + 1).filter((n) => n !== id);
    this.#peers = others.map((other) => `${other}@${endpointOf(other)}`);
    const streams = { time, dice: new Dice(dice.random.nextUint32(), 0), life: () => this.#life };
    this.device = new Device(streams, plan.device);
    this.#vfs = this.#newDisk();
    this.#logger = loggerFor(time, chronicle, this.name);
    this.#life = this.#begin();
    this.#life.end();
  }

  /** The present run of its process, or the last one. */
  get life(): Life {
    return this.#life;
  }

  get vfs(): MemVfs {
    return this.#vfs;
  }

  get isRunning(): boolean {
    return !this.#life.gone;
  }

  /** Once it has started. */
  get node(): DleNode | undefined {
    return this.isRunning ? this.#node : undefined;
  }

  get isClosing(): boolean {
    return this.isRunning && this.#closing;
  }

  get isPaused(): boolean {
    return this.isRunning && this.#life.pausedUntil > this.#components.time.now;
  }

  start(): void {
    const { network, dice, disguise, born } = this.#components;
    const { options, tuning } = this.#plan;
    if (this.vfs.down) this.vfs.restart();
    network.powerOn(this.id);
    const life = this.#begin();
    this.#life = life;
    this.#node = undefined;
    this.#closing = false;
    born(life, this);
    this.#say('starts');
    const random = new SeededRandom(dice.random.nextUint32());
    const sockets = network.socketsOf(life, this.id);
    createNode(
      {
        ...options,
        id: this.id,
        host: addressOf(this.id),
        port: PORT,
        peers: this.#peers,
        join: this.isSpare,
        dataDir: '/data',
      },
      { clock: life.clock, random, logger: this.#logger, vfs: disguise(this.vfs), sockets, tuning },
    ).then(
      (node) => this.#started(life, node),
      (error: DleError) => this.#exit(life, error),
    );
  }

  /** The process ends in the midst of what it does. */
  kill(): void {
    this.#say('is killed');
    if (!this.vfs.down) this.vfs.kill();
    this.noticeEnd();
  }

  /** The power fails. */
  crash(): void {
    this.#say('crashes');
    if (!this.vfs.down) this.vfs.crash();
    this.noticeEnd();
  }

  /** Its disk has been replaced by an empty one, while it was off. */
  wipe(): void {
    this.#say('gets an empty disk');
    this.#vfs = this.#newDisk();
  }

  /** Something has ended the process, which the rest of the world now gets to know. */
  noticeEnd(): void {
    const { network } = this.#components;
    const { end } = this.vfs;
    if (end?.operation !== undefined) this.#say(`has ended by a ${end.kind} in: ${end.operation}`);
    this.#life.end();
    if (end?.kind === 'crash') network.powerOff(this.id);
    else network.processEnded(this.#life);
  }

  /** Ends the process in good order; `closed` is told. */
  close(closed: () => void): void {
    const node = this.#node!;
    const life = this.#life;
    this.#closing = true;
    this.#say('closes');
    void node.close().then(() => {
      if (life.gone) return;
      this.#say('has closed');
      life.end();
      this.#components.network.processEnded(life);
      closed();
    });
  }

  pause(forMs: number): void {
    this.#say(`pauses for ${forMs} ms`);
    this.#life.pausedUntil = this.#components.time.now + forMs;
  }

  goOn(): void {
    this.#life.pausedUntil = 0;
  }

  #newDisk(): MemVfs {
    const random = new SeededRandom(this.#components.dice.random.nextUint32());
    return new MemVfs({ random, clock: this.device.clock });
  }

  #begin(): Life {
    const { time, dice, nextNumber } = this.#components;
    return new Life(time, {
      number: nextNumber(),
      rate: 1 + dice.within(-this.#plan.skew, this.#plan.skew),
      startMs: dice.within(0, MAX_START_MS),
      isDown: () => this.vfs.down,
    });
  }

  #started(life: Life, node: DleNode): void {
    if (life.gone) return;
    this.#node = node;
    node.closed.catch((error: DleError) => this.#exit(life, error));
  }

  #exit(life: Life, error: DleError): void {
    if (life.gone) return;
    this.#say(`exits: ${error.code} ${error.message}`);
    this.vfs.kill();
    this.noticeEnd();
    this.#components.exited(this, error);
  }

  #say(what: string): void {
    this.#components.chronicle.say(this.#components.time.now, this.name, what);
  }
}

function endpointOf(id: number): string {
  return `${addressOf(id)}:${PORT}`;
}

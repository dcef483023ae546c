import type { Socket, Sockets } from '@dle/net';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Dice } from '../src/dice.js';
import type { NetworkPlan } from '../src/network/network-plan.js';
import { addressOf, VirtualNetwork } from '../src/network/virtual-network.js';
import { Life } from '../src/time/life.js';
import { VirtualTime } from '../src/time/virtual-time.js';

const PORT = 9_001;
const GOOD: NetworkPlan = {
  maxLatencyMs: 5,
  doubled: 0,
  overtaken: 0,
  lost: 0,
  cut: 0.5,
  windowBytes: 1_000,
  resendMs: 20,
  giveUpMs: 1_000,
};

/** Two processes on two hosts, and what each was told by its end of the connection. */
class Pair {
  readonly time = new VirtualTime(() => {});
  readonly network: VirtualNetwork;
  readonly heard: string[] = [];
  readonly received: Uint8Array[] = [];
  readonly lives: readonly Life[];
  readonly sockets: readonly Sockets[];
  caller!: Socket;
  called: Socket | undefined;

  constructor(seed: number, plan: Partial<NetworkPlan> = {}) {
    const { time } = this;
    this.network = new VirtualNetwork({ time, dice: new Dice(seed, 0) }, { ...GOOD, ...plan });
    this.lives = [1, 2].map((number) => {
      return new Life(time, { number, rate: 1, startMs: 0, isDown: () => false });
    });
    this.sockets = this.lives.map((life) => this.network.socketsOf(life, life.number));
  }

  async open(): Promise<void> {
    const address = { host: addressOf(2), port: PORT };
    await this.sockets[1]!.listen(address, {
      arrived: (socket) => this.#watch('called', socket),
      failed: () => {},
    });
    this.caller = this.sockets[0]!.connect(address);
    this.#watch('caller', this.caller);
    await this.until(() => this.called !== undefined && this.heard.includes('caller connect'));
  }

  async until(isDone: () => boolean): Promise<void> {
    while (!isDone()) await this.time.proceed();
  }

  async pass(ms: number): Promise<void> {
    let over = false;
    this.lives[0]!.clock.setTimer(() => {
      over = true;
    }, ms);
    await this.until(() => over);
  }

  #watch(name: 'caller' | 'called', socket: Socket): void {
    if (name === 'called') this.called = socket;
    socket.on('connect', () => this.heard.push(`${name} connect`));
    socket.on('data', (chunk) => name === 'called' && this.received.push(chunk));
    socket.on('end', () => this.heard.push(`${name} end`));
    socket.on('error', (error) => this.heard.push(`${name} error ${error.message}`));
    socket.on('close', () => this.heard.push(`${name} close`));
  }
}

describe('the virtual network', () => {
  it('brings all bytes in order, whatever is lost, however they are cut and the window is', async () => {
    const plans = fc.record({
      lost: fc.constantFrom(0, 0.3),
      cut: fc.constantFrom(0, 0.9),
      windowBytes: fc.integer({ min: 1, max: 3_000 }),
    });
    const parts = fc.array(fc.uint8Array({ maxLength: 2_000 }), { maxLength: 10 });
    await fc.assert(
      fc.asyncProperty(fc.nat(), plans, parts, async (seed, plan, written) => {
        const pair = new Pair(seed, { ...plan, giveUpMs: 1_000_000 });
        await pair.open();
        let taken = 0;
        for (const bytes of written) {
          const own = Uint8Array.from(bytes);
          pair.caller.write(own, () => {
            taken++;
            // It may be used again: whatever is sent later must not be this.
            own.fill(0);
          });
        }
        pair.caller.end();
        await pair.until(() => pair.heard.includes('called close'));
        expect(taken).toBe(written.length);
        expect(Buffer.concat(pair.received)).toEqual(Buffer.concat(written));
        expect(pair.heard).toContain('called end');
        await pair.until(() => pair.heard.includes('caller close'));
      }),
      { numRuns: 60 },
    );
  });

  it('says nothing of a cut link until it has been given up, and nothing at all to the other side', async () => {
    const pair = new Pair(1);
    await pair.open();
    pair.network.links.cut(1, 2);
    pair.caller.write(Uint8Array.of(1));
    await pair.pass(GOOD.giveUpMs / 2);
    expect(pair.heard).toEqual(['caller connect']);
    await pair.pass(4 * GOOD.giveUpMs);
    expect(pair.heard).toEqual(['caller connect', 'caller error ETIMEDOUT', 'caller close']);
    expect(pair.received).toEqual([]);
  });

  it('brings late what was held up by a link that is mended in time', async () => {
    const pair = new Pair(2);
    await pair.open();
    pair.network.links.cut(1, 2);
    pair.caller.write(Uint8Array.of(1, 2, 3));
    await pair.pass(100);
    expect(pair.received).toEqual([]);
    pair.network.links.heal();
    await pair.pass(GOOD.giveUpMs);
    expect(Buffer.concat(pair.received)).toEqual(Buffer.of(1, 2, 3));
    expect(pair.heard).toEqual(['caller connect']);
  });

  it('goes on sending one way where only the other is cut, as far as the window reaches', async () => {
    const pair = new Pair(3);
    await pair.open();
    pair.network.links.cut(2, 1);
    pair.caller.write(new Uint8Array(3 * GOOD.windowBytes));
    await pair.pass(50);
    expect(Buffer.concat(pair.received)).toHaveLength(GOOD.windowBytes);
    await pair.pass(4 * GOOD.giveUpMs);
    expect(pair.heard).toContain('caller error ETIMEDOUT');
  });

  it('tells of a process that was killed, and not of a machine that is off', async () => {
    const killed = new Pair(4);
    await killed.open();
    killed.lives[1]!.end();
    killed.network.processEnded(killed.lives[1]!);
    await killed.pass(50);
    expect(killed.heard).toContain('caller end');
    const off = new Pair(5);
    await off.open();
    off.lives[1]!.end();
    off.network.powerOff(2);
    await off.pass(50);
    expect(off.heard).toEqual(['caller connect']);
  });

  it('resets what is sent to a machine that has started again', async () => {
    const pair = new Pair(6);
    await pair.open();
    pair.lives[1]!.end();
    pair.network.powerOff(2);
    pair.network.powerOn(2);
    pair.caller.write(Uint8Array.of(1));
    await pair.pass(50);
    expect(pair.heard).toEqual(['caller connect', 'caller error ECONNRESET', 'caller close']);
  });

  it('gives a paused process what has come once it goes on', async () => {
    const pair = new Pair(7);
    await pair.open();
    pair.lives[1]!.pausedUntil = pair.time.now + 300;
    pair.caller.write(Uint8Array.of(7));
    await pair.pass(200);
    expect(pair.received).toEqual([]);
    await pair.pass(200);
    expect(pair.received).toHaveLength(1);
  });

  it('refuses a connection where nobody listens, and a second one who wants to', async () => {
    const pair = new Pair(8);
    const socket = pair.sockets[0]!.connect({ host: addressOf(2), port: 1 });
    const errors: string[] = [];
    socket.on('error', ({ message }) => errors.push(message));
    await pair.pass(50);
    expect(errors).toEqual(['ECONNREFUSED']);
    await pair.open();
    const again = pair.sockets[1]!.listen(
      { host: addressOf(2), port: PORT },
      {
        arrived: () => {},
        failed: () => {},
      },
    );
    await expect(again).rejects.toMatchObject({ code: 'EADDRINUSE' });
  });
});

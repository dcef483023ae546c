import { systemClock } from '@dle/common';
import { callerOf, FaultProxy, type FaultRules } from '@dle/net/testing';

/** What is wrong with the way from one member to another. */
export interface LinkFault {
  readonly from: number;
  readonly to: number;
  /** `refuse`: connections are cut, and no new ones come about. For the others see `FaultRules`. */
  readonly how: FaultRules | 'refuse';
}

/**
 * The network between the members: a proxy in front of each, which tells its callers apart. Clients
 * pass freely.
 */
export class Network {
  readonly #proxies = new Map<number, FaultProxy>();
  readonly #faults = new Set<readonly LinkFault[]>();

  /** Puts a proxy in front of a member; resolves to its address. */
  front(id: number, port: number): Promise<string> {
    const target = `127.0.0.1:${port}`;
    const proxy = new FaultProxy({ clock: systemClock }, { target, callerOf });
    this.#proxies.set(id, proxy);
    return proxy.listen();
  }

  /** Adds faults to those there are; returns how to mend them. */
  add(faults: readonly LinkFault[]): () => void {
    this.#faults.add(faults);
    this.#apply(faults);
    for (const { from, to, how } of faults) if (how === 'refuse') this.#cut(from, to);
    return () => {
      if (!this.#faults.delete(faults)) return;
      this.#apply(faults);
      // What comes after a gap would make no sense; TCP resets such a connection.
      for (const { from, to, how } of faults) if (how !== 'refuse' && how.drop) this.#cut(from, to);
    };
  }

  /** Resets all connections between two members. */
  #cut(one: number, other: number): void {
    this.#proxies.get(one)?.cut(`${other}`);
    this.#proxies.get(other)?.cut(`${one}`);
  }

  async close(): Promise<void> {
    await Promise.all([...this.#proxies.values()].map((proxy) => proxy.close()));
  }

  /** Bytes go both ways on a connection, whoever has opened it. */
  #apply(changed: readonly LinkFault[]): void {
    for (const { from, to } of changed) {
      const rules = this.#rules(from, to);
      this.#proxies.get(to)?.toTarget(rules, `${from}`);
      this.#proxies.get(from)?.fromTarget(rules, `${to}`);
      const refusing = this.#between(from, to).some(({ how }) => how === 'refuse');
      this.#proxies.get(to)?.refuse(refusing, `${from}`);
      this.#proxies.get(from)?.refuse(refusing, `${to}`);
    }
  }

  /** All faults of one way together. */
  #rules(from: number, to: number): FaultRules {
    const all = [...this.#faults].flat().filter((fault) => fault.from === from && fault.to === to);
    const rules = all.flatMap(({ how }) => (how === 'refuse' ? [] : [how]));
    return {
      hold: rules.some(({ hold }) => hold),
      drop: rules.some(({ drop }) => drop),
      delayMs: Math.max(0, ...rules.map(({ delayMs = 0 }) => delayMs)),
    };
  }

  #between(one: number, other: number): LinkFault[] {
    return [...this.#faults]
      .flat()
      .filter(({ from, to }) => [from, to].includes(one) && [from, to].includes(other));
  }
}

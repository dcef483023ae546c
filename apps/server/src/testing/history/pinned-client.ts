import {
  delRequest,
  type Envelope,
  getRequest,
  parseDelResult,
  parseGetResult,
  parsePutResult,
  putRequest,
  type ReadLevel,
} from '@dle/client/protocol';
import { silentLogger, systemClock, systemRandom, toBytes } from '@dle/common';
import { PROTOCOL_RANGE, type Reply, TcpClient, type TcpClientComponents } from '@dle/net';

/**
 * Speaks to one node whatever happens, and tries everything once: what the node itself says is what
 * counts. It finds what a client that follows the leader would never meet: a deposed leader that
 * still answers, a request passed on.
 */
export class PinnedClient {
  readonly #client: TcpClient;

  constructor(components: Partial<TcpClientComponents>, address: string) {
    const system = { clock: systemClock, random: systemRandom, logger: silentLogger };
    this.#client = new TcpClient(
      { ...system, ...components },
      {
        addresses: [address],
        hello: () => ({ protocol: PROTOCOL_RANGE, role: 'client', lane: 'client' }),
        backoff: { minMs: 10, maxMs: 100 },
      },
    );
  }

  async put(key: string, value: Uint8Array, timeoutMs: number): Promise<{ index: number }> {
    const { control, raw } = await this.#ask(putRequest(toBytes(key), value), timeoutMs);
    return parsePutResult(control, raw);
  }

  async del(key: string, timeoutMs: number): Promise<{ index: number; existed: boolean }> {
    const { control } = await this.#ask(delRequest(toBytes(key)), timeoutMs);
    return parseDelResult(control);
  }

  async get(
    key: string,
    timeoutMs: number,
    level: ReadLevel = 'linearizable',
  ): Promise<Uint8Array | undefined> {
    const { control, raw } = await this.#ask(getRequest(toBytes(key), level), timeoutMs);
    return parseGetResult(control, raw).value;
  }

  close(): Promise<void> {
    return this.#client.close();
  }

  async #ask({ control, raw }: Envelope, timeoutMs: number): Promise<Reply> {
    const rpc = await this.#client.connect({ timeoutMs });
    return rpc.request(control, raw, { timeoutMs });
  }
}

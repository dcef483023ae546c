import { DleError, SeededRandom, silentLogger, toBytes } from '@dle/common';
import { LogStore } from '@dle/storage';
import { recordBytes } from '@dle/storage/internal';
import { MemVfs } from '@dle/storage/testing';
import {
  DEFAULT_RAFT_CONFIG,
  type LogBase,
  type LogProposal,
  lostDataStates,
  type MembershipChange,
  type Message,
  type RaftConfig,
  RaftLog,
  RaftNode,
  type ReadLevel,
} from '../../src/index.js';
import { VirtualClock } from './virtual-clock.js';

export const IDS = [1, 2, 3];
/** Of the store of each node. */
const DIRECTORY = '/node';
const CONFIG = { maxProposalBytes: 1024 * 1024, requestTimeoutMs: 5_000 };

/**
 * A node with a real log on a disk that forgets, in a network that delivers at once what is not
 * cut.
 */
export class TestNode {
  readonly id: number;
  readonly vfs: MemVfs;
  /** Told when everything that it has sent in a turn is to leave. */
  onSent: () => void = () => {};
  /** Whether its disk takes for ever to flush. */
  hangs = false;
  store!: LogStore;
  log!: RaftLog;
  raft!: RaftNode<LogProposal>;
  readonly #cluster: TestCluster;

  constructor(id: number, cluster: TestCluster) {
    this.id = id;
    this.#cluster = cluster;
    this.vfs = new MemVfs({ random: new SeededRandom(id), clock: cluster.clock });
  }

  async start(): Promise<void> {
    const { clock } = this.#cluster;
    const random = new SeededRandom(this.id);
    const options = { replicated: true, segmentSize: 64 * 1024, tailCacheBytes: 4 * 1024 };
    this.store = await LogStore.open(DIRECTORY, options, { vfs: this.vfs, clock, random });
    const log = new RaftLog(this.store);
    this.log = log;
    if (this.store.log.lastIndex === 0 && this.id === 1) {
      await log.bootstrap({ voters: IDS });
    }
    const { store } = this;
    const stateMachine = {
      get appliedIndex() {
        return store.appliedIndex;
      },
      apply: (index: number) => store.apply(index),
    };
    const listen = log.listen.bind(log);
    log.listen = (flushed, failed) =>
      listen((ticket) => {
        if (!this.hangs) flushed(ticket);
      }, failed);
    this.raft = await RaftNode.start(
      {
        log,
        transport: {
          send: (message, entries) => this.#cluster.deliver(message, entries),
          flush: () => this.onSent(),
        },
        stateMachine,
        snapshots: { send: (to, base) => this.#cluster.bring(this, to, base) },
        clock,
        random,
        logger: silentLogger,
      },
      { ...DEFAULT_RAFT_CONFIG, id: this.id, ...CONFIG, ...this.#cluster.config },
    );
  }

  /** Takes the state that another node has, unless it holds more. */
  async install(base: LogBase, exported: ReturnType<LogStore['exportBase']>): Promise<void> {
    const { storeId } = this.store.log;
    const floor = this.log.floorOf(base);
    const { vfs } = this;
    const importer = await LogStore.beginImport(DIRECTORY, { storeId, floor }, { vfs });
    while (!importer.isComplete) await importer.write(await exported.read(importer.after, 3_000));
    this.raft.stop();
    const states = this.store.log.localStates();
    await this.store.close();
    if (this.raft.core.wants(base)) await importer.finish(states);
    else await importer.abandon();
    await this.start();
  }

  /** Its disk is damaged: it begins anew, with what could be saved of its local states. */
  async lose(): Promise<void> {
    this.raft.stop();
    const states = this.store.log.localStates();
    await this.store.close();
    for (const name of await this.vfs.list(DIRECTORY))
      await this.vfs.unlink(`${DIRECTORY}/${name}`);
    const options = { replicated: true };
    const { clock } = this.#cluster;
    const random = new SeededRandom(9);
    const store = await LogStore.open(DIRECTORY, options, { vfs: this.vfs, clock, random });
    for (const [key, value] of lostDataStates(states)) store.log.setLocalState(key, value);
    await store.close();
    await this.start();
  }

  put(key: string, value: string): Promise<number> {
    const [keyBytes, valueBytes] = [toBytes(key), toBytes(value)];
    const proposal: LogProposal = {
      bytes: recordBytes(keyBytes.length, valueBytes.length),
      write: (builder) => builder.put(keyBytes, valueBytes),
    };
    return new Promise((resolve, reject) => {
      this.raft.propose(proposal, (error, index) => (error ? reject(error) : resolve(index)));
    });
  }

  readIndex(level?: ReadLevel): Promise<number> {
    return new Promise((resolve, reject) => {
      this.raft.read((error, index) => (error ? reject(error) : resolve(index)), level);
    });
  }

  changeMembers(change: MembershipChange): Promise<number> {
    return new Promise((resolve, reject) => {
      this.raft.changeMembers(change, (error, index) => (error ? reject(error) : resolve(index)));
    });
  }

  transfer(target?: number): Promise<number> {
    return new Promise((resolve, reject) => {
      this.raft.transfer(target, (error, leader) => (error ? reject(error) : resolve(leader)));
    });
  }

  get(key: string): string | undefined {
    const value = this.store.getSync(key);
    return value && Buffer.from(value).toString();
  }
}

export class TestCluster {
  readonly clock: VirtualClock = new VirtualClock();
  readonly nodes: readonly TestNode[] = IDS.map((id) => new TestNode(id, this));
  readonly cut = new Set<number>();
  readonly config: Partial<RaftConfig>;

  constructor(config: Partial<RaftConfig> = {}) {
    this.config = config;
  }

  deliver(message: Message, entries?: Uint8Array): void {
    if (this.cut.has(message.from) || this.cut.has(message.to)) return;
    const { raft } = this.nodes[message.to - 1]!;
    this.clock.defer(() => raft?.receive(structuredClone(message), entries?.slice()));
  }

  async leader(): Promise<TestNode> {
    for (let waited = 0; waited < 10_000; waited += 50) {
      const leaders = this.nodes.filter(
        (node) => node.raft.isLeader && !this.cut.has(node.id) && !node.raft.stopped,
      );
      if (leaders.length === 1) return leaders[0]!;
      await this.clock.pass(50);
    }
    throw new Error('no leader in ten seconds');
  }

  /** Brings a node the state that another one has. */
  async bring(from: TestNode, to: number, base: LogBase): Promise<void> {
    const exported = from.store.exportBase(from.log.floorOf(base).state);
    try {
      if (this.cut.has(to)) throw new DleError('DLE_UNAVAILABLE', 'it is cut off');
      await this.nodes[to - 1]!.install(base, exported);
    } finally {
      exported.close();
    }
  }

  followers(leader: TestNode): TestNode[] {
    return this.nodes.filter((node) => node !== leader);
  }

  /** Waits for the answer while time passes. */
  async answered<T>(answer: Promise<T>): Promise<T | DleError> {
    let settled: { value: T | DleError } | undefined;
    answer.then(
      (value) => {
        settled = { value };
      },
      (error: DleError) => {
        settled = { value: error };
      },
    );
    for (let waited = 0; waited < 10_000 && settled === undefined; waited += 5) {
      await this.clock.pass(5);
    }
    if (settled === undefined) throw new Error('nobody answered in ten seconds');
    return settled.value;
  }
}

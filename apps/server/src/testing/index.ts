export { audit } from './history/audit.js';
export { History, type Intent, type Operation, type Outcome } from './history/history.js';
export { nameOfPayload, payloadOf } from './history/payload.js';
export { PinnedClient } from './history/pinned-client.js';
export { freePorts, ProcessCluster, type ProcessClusterOptions } from './process-cluster.js';
export { ServerProcess, type ServerProcessOptions } from './server-process.js';

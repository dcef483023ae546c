export { freePorts, ProcessCluster, type ProcessClusterOptions } from './process-cluster.js';
export { ServerProcess, type ServerProcessOptions } from './server-process.js';

export { callerOf } from './caller-of.js';
export { FaultProxy, type FaultProxyOptions } from './fault-proxy.js';
export type { FaultRules } from './one-way.js';

export { FaultProxy, type FaultProxyOptions, type FaultRules } from './fault-proxy.js';

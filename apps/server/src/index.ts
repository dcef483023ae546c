export type { Member } from './membership/member.js';
export { createNode, DleNode, type NodeComponents } from './node.js';
export type { NodeOptions } from './options.js';
export { parseSize } from './size.js';

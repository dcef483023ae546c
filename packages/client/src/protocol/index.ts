export { MAX_CURSOR_LENGTH, MAX_DUMP_PAGE_BYTES } from './limits.js';
export { checkPairs, type Pair, PairsWriter, pairBytes, readPairs } from './pairs.js';
export { parseRequest } from './parse-request.js';
export {
  type ClientRequest,
  checkKeyLength,
  checkValueLength,
  type DelRequest,
  type DumpRequest,
  delRequest,
  dumpRequest,
  type Envelope,
  forwardRequest,
  type GetRequest,
  getRequest,
  type PutRequest,
  payloadChecksum,
  putRequest,
  type ReadLevel,
  type ReleaseRequest,
  releaseRequest,
  type StatusRequest,
  statusRequest,
} from './requests.js';
export {
  type DelResult,
  type DumpPage,
  delResult,
  dumpResult,
  emptyResult,
  type GetResult,
  getResult,
  LEADER_HINT,
  type PutResult,
  parseDelResult,
  parseDumpPage,
  parseGetResult,
  parsePutResult,
  putResult,
} from './results.js';
export { type MemberStatus, type NodeRole, type NodeStatus, parseStatus } from './status.js';

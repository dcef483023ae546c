export { type Address, formatAddress, parseAddress } from './address.js';
export type { Backoff } from './backoff.js';
export type { ConnectOptions } from './connect-waiters.js';
export { Later } from './later.js';
export {
  MAX_CLIENT_BODY_BYTES,
  MAX_CONTROL_BYTES,
  MAX_HELLO_BYTES,
  MAX_MEMBER_BODY_BYTES,
  PROTOCOL_RANGE,
} from './limits.js';
export { type RequestOptions, Rpc } from './rpc.js';
export {
  type Arrivals,
  type Listening,
  nodeSockets,
  type Socket,
  type SocketEvents,
  type Sockets,
} from './sockets.js';
export { TcpClient, type TcpClientComponents, type TcpClientOptions } from './tcp-client.js';
export {
  TcpServer,
  type TcpServerComponents,
  type TcpServerOptions,
  type TcpServerStats,
} from './tcp-server.js';
export {
  type Acceptor,
  type Answer,
  type Control,
  EMPTY_CONTROL,
  type Hello,
  type RawParts,
  type Reply,
  type RpcHandler,
  type Waiter,
  type Welcome,
} from './types.js';

import type { DelRequest, PutRequest } from '@dle/client/protocol';
import type { LogProposal } from '@dle/raft';
import { recordBytes } from '@dle/storage/internal';

/**
 * The entry that a client's put or delete becomes: one effect, with the checksum the client made.
 */
export function entryOf(request: PutRequest | DelRequest): LogProposal {
  if (request.op === 'del') {
    const { key, checksum } = request;
    return {
      bytes: recordBytes(key.length, 0),
      write: (builder) => builder.delete(key, checksum),
    };
  }
  const { key, value, checksum } = request;
  return {
    bytes: recordBytes(key.length, value.length),
    write: (builder) => builder.put(key, value, checksum),
  };
}

import type { DelRequest, PutRequest } from '@dle/client/protocol';
import type { LogProposal } from '@dle/raft';
import { type EntryBatchBuilder, recordBytes } from '@dle/storage/internal';

/**
 * The entry that a client's put or delete becomes: one effect, with the checksum the client made.
 */
export function entryOf(request: PutRequest | DelRequest): LogProposal {
  return request.op === 'put' ? new PutEntry(request) : new DeleteEntry(request);
}

class PutEntry implements LogProposal {
  readonly bytes: number;
  readonly #request: PutRequest;

  constructor(request: PutRequest) {
    this.bytes = recordBytes(request.key.length, request.value.length);
    this.#request = request;
  }

  write(builder: EntryBatchBuilder): void {
    const { key, value, checksum } = this.#request;
    builder.put(key, value, checksum);
  }
}

class DeleteEntry implements LogProposal {
  readonly bytes: number;
  readonly givesBack = true;
  readonly #request: DelRequest;

  constructor(request: DelRequest) {
    this.bytes = recordBytes(request.key.length, 0);
    this.#request = request;
  }

  write(builder: EntryBatchBuilder): void {
    const { key, checksum } = this.#request;
    builder.delete(key, checksum);
  }
}

/**
 * Protocol versions this package speaks, lowest and highest: for a Hello; a Welcome names one of
 * them.
 */
export const PROTOCOL_RANGE: readonly [number, number] = [1, 1];

/**
 * Longest control part of a frame, in bytes. Anything larger belongs into the raw part, which
 * nobody decodes.
 */
export const MAX_CONTROL_BYTES: number = 1024 * 1024;

/**
 * Longest body on a connection whose hello has not been accepted: nobody vouches for the other side
 * yet.
 */
export const MAX_HELLO_BYTES: number = 64 * 1024;

/** Longest body, in bytes, on the connection of a client, either way: the largest value twice. */
export const MAX_CLIENT_BODY_BYTES: number = 16 * 1024 * 1024;

/**
 * Longest body, in bytes, on a connection between members, either way: the largest entry of the
 * log.
 */
export const MAX_MEMBER_BODY_BYTES: number = 64 * 1024 * 1024;

/**
 * Bytes one connection may have waiting to be sent, by default: a frame of a client and another, so
 * that one slow reader costs no more than a large request does.
 */
export const DEFAULT_MAX_QUEUED_BYTES: number = 32 * 1024 * 1024;

/**
 * Bytes of requests one connection may have with its handlers before no more are read, by default.
 */
export const DEFAULT_MAX_HANDLING_BYTES: number = 16 * 1024 * 1024;

/**
 * How often each side says something, by default, in milliseconds: a dead peer is noticed within
 * three times that.
 */
export const DEFAULT_KEEPALIVE_MS = 5_000;

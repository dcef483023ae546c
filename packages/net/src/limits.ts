/** Protocol versions this package speaks, lowest and highest: for a Hello; a Welcome names one of them. */
export const PROTOCOL_RANGE: readonly [number, number] = [1, 1];

/** Longest control part of a frame, in bytes. Anything larger belongs into the raw part, which nobody decodes. */
export const MAX_CONTROL_BYTES: number = 1024 * 1024;

/** Longest body on a connection whose hello has not been accepted: nobody vouches for the other side yet. */
export const MAX_HELLO_BYTES: number = 64 * 1024;

/** Longest body, in bytes, on the connection of a client, either way: the largest value twice. */
export const MAX_CLIENT_BODY_BYTES: number = 16 * 1024 * 1024;

/** Longest body, in bytes, on a connection between members, either way: the largest entry of the log. */
export const MAX_MEMBER_BODY_BYTES: number = 64 * 1024 * 1024;

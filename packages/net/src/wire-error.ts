import { DleError, type DleErrorCode, type ErrorDetails } from '@dle/common';
import type { Control } from './types.js';

/** Longest message that crosses the wire, in characters: it must fit a frame before the hello. */
const MAX_MESSAGE_LENGTH = 2_000;

/** The control of a response that says why there is no answer. */
export function errorControl(error: DleError): Control {
  const { code, retryable, effect, details } = error;
  return { error: { code, message: shorten(error.message), retryable, effect, details } };
}

/**
 * The error a response carries, as it was on the other side; codes this side does not know survive.
 */
export function errorFrom(value: unknown): DleError {
  const { code, message, retryable, effect, details } = fieldsOf(value);
  return new DleError(codeOf(code), messageOf(message), {
    retryable: retryable === true,
    effect: effect === 'none' ? 'none' : 'unknown',
    ...(isDetails(details) && { details }),
  });
}

/** The control of a refusal: why this side closes the connection. */
export function refusalOf(error: DleError): Control {
  return { code: error.code, message: shorten(error.message) };
}

/** What a refusal says. */
export function refusalFrom(control: Control): DleError {
  return new DleError(codeOf(control.code), messageOf(control.message), { retryable: true });
}

function fieldsOf(value: unknown): Control {
  return typeof value === 'object' && value !== null ? (value as Control) : {};
}

function isDetails(value: unknown): value is ErrorDetails {
  const plain = ['string', 'number', 'boolean'];
  return (
    typeof value === 'object' &&
    value !== null &&
    Object.values(value).every((detail) => plain.includes(typeof detail))
  );
}

function codeOf(code: unknown): DleErrorCode {
  return (typeof code === 'string' ? code : 'DLE_INTERNAL') as DleErrorCode;
}

function messageOf(message: unknown): string {
  return typeof message === 'string' ? message : 'the other side did not say why';
}

function shorten(message: string): string {
  return message.length <= MAX_MESSAGE_LENGTH
    ? message
    : `${message.slice(0, MAX_MESSAGE_LENGTH)}…`;
}

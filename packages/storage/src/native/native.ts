import { createRequire } from 'node:module';
import { DleError } from '@dle/common';
import { NATIVE_VERSION, type NativeBinding } from './native-binding.js';
import { nativePath } from './native-path.js';

/**
 * The environment's `DLE_NATIVE`. `0`: without the addon; `auto`, the default: with it where it can
 * be loaded; `require`: an error where it cannot.
 */
type NativeMode = '0' | 'auto' | 'require';

const MODES: readonly string[] = ['0', 'auto', 'require'] satisfies NativeMode[];

/** Whether the native addon is in use, and if not, why. */
export interface NativeStatus {
  readonly loaded: boolean;
  readonly mode: NativeMode;
  /** The binary that is loaded, or was looked for. */
  readonly path?: string;
  /** Why it is not loaded. */
  readonly reason?: string;
}

/** What came of loading: one per thread, as an addon is loaded for a thread. */
export class NativeLoading {
  readonly status: NativeStatus;
  readonly #binding: NativeBinding | undefined;

  private constructor(status: NativeStatus, binding?: NativeBinding) {
    this.status = status;
    this.#binding = binding;
  }

  /** Throws `DLE_INVALID_ARGUMENT` for a mode that there is not. */
  static of(
    wanted: string | undefined,
    path: string,
    version: number = NATIVE_VERSION,
  ): NativeLoading {
    const mode = modeOf(wanted);
    if (mode === '0') return new NativeLoading({ loaded: false, mode, reason: 'DLE_NATIVE is 0' });
    try {
      const binding = createRequire(import.meta.url)(path) as NativeBinding;
      if (binding.version === version) {
        return new NativeLoading({ loaded: true, mode, path }, binding);
      }
      const reason = `it is version ${binding.version}, not ${version}, of another @dle/storage`;
      return new NativeLoading({ loaded: false, mode, path, reason });
    } catch (thrown) {
      return new NativeLoading({ loaded: false, mode, path, reason: reasonOf(thrown) });
    }
  }

  /** Throws `DLE_NATIVE_UNAVAILABLE` if it is required and not there. */
  get binding(): NativeBinding | undefined {
    const { mode, path, reason } = this.status;
    if (this.#binding !== undefined || mode !== 'require') return this.#binding;
    throw new DleError(
      'DLE_NATIVE_UNAVAILABLE',
      `DLE_NATIVE=require, but ${path} cannot be loaded: ${reason}; ` +
        'build it with "npm run build:native" in @dle/storage, or set DLE_NATIVE to auto',
    );
  }
}

function modeOf(wanted: string | undefined): NativeMode {
  const mode = wanted === undefined || wanted === '' ? 'auto' : wanted;
  if (MODES.includes(mode)) return mode as NativeMode;
  throw new DleError(
    'DLE_INVALID_ARGUMENT',
    `DLE_NATIVE is ${JSON.stringify(wanted)}: it may be 0, auto or require`,
  );
}

function reasonOf(thrown: unknown): string {
  const { code, message } = thrown as NodeJS.ErrnoException;
  if (code === 'MODULE_NOT_FOUND') return 'there is no such file';
  return message.split('\n')[0]!;
}

let loading: NativeLoading | undefined;

function load(): NativeLoading {
  loading ??= NativeLoading.of(process.env.DLE_NATIVE, nativePath());
  return loading;
}

/** Whether this thread uses the native addon, and if not, why. */
export function nativeStatus(): NativeStatus {
  return load().status;
}

/**
 * The addon, or `undefined` where it is not to be used or cannot be. Throws
 * `DLE_NATIVE_UNAVAILABLE` where it has to be, and `DLE_INVALID_ARGUMENT` if `DLE_NATIVE` says
 * neither.
 */
export function nativeBinding(): NativeBinding | undefined {
  return load().binding;
}

import { jsonPath } from '../config/parse-config.js';

/** One value for one control file. */
export interface ResourceWrite {
  /** Tried in this order: kernels have the one or the other. */
  files: readonly { file: string; value: string }[];
  /** What of the configuration asks for it: `linux.resources.memory.limit`. */
  from: string;
  /** Nothing is lost where the kernel has none of the files. */
  optional?: boolean;
  /** A new cgroup has this value already. */
  initial?: boolean;
}

/** The JSON path of a part of linux.resources. */
export function resourcePath(...keys: (string | number)[]): string {
  return jsonPath(['linux', 'resources', ...keys]);
}

/** `keys`: the part that asks for it, below linux.resources. */
export function write(
  keys: readonly (string | number)[],
  file: string,
  value: string | number,
  more: Pick<ResourceWrite, 'optional' | 'initial'> = {},
): ResourceWrite {
  return { files: [{ file, value: String(value) }], from: resourcePath(...keys), ...more };
}

/** Absent, and 0, which the field's tools write for absent. */
export function isSet(value: number | undefined): value is number {
  return value !== undefined && value !== 0;
}

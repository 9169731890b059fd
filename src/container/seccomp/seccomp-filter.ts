/** A system-call filter as the kernel takes it, from an OCI profile; compiled once, and then kept in the cache. */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { remembered } from '../../base/partial.js';
import { cacheDir } from '../../base/paths.js';
import type { Arch } from '../../sys/abi.js';
import { configError } from '../config/parse-config.js';
import type { OciSeccomp } from '../config/schema.js';
import { type CallRange, replaceAbove } from './call-table.js';
import { decodeProgram, encodeProgram, MAX_INSTRUCTIONS, RETURNS } from './classic-bpf.js';
import { type Library, libseccomp } from './libseccomp.js';
import { wantedOf } from './profile.js';
import { shortenFilter } from './shorten-filter.js';

export interface SeccompFilter {
  /** struct sock_filter[]. */
  program: Uint8Array;
  warnings: string[];
}

interface Kept {
  program: string;
  warnings: string[];
}

/** Changes whenever the same profile would become another program. */
const FORMAT = 1;

const byProfile = new WeakMap<OciSeccomp, Promise<SeccompFilter>>();
const byKey = new Map<string, Promise<SeccompFilter>>();

/** Errors: `input` with the JSON path; `host` for what this machine lacks. */
export function seccompFilter(profile: OciSeccomp, arch: Arch): Promise<SeccompFilter> {
  const known = byProfile.get(profile);
  if (known) return known;
  const key = keyOf(profile, arch);
  const filter = byKey.get(key) ?? kept(profile, key);
  byKey.set(key, filter);
  filter.catch(() => byKey.delete(key));
  byProfile.set(profile, filter);
  return filter;
}

function keyOf({ defaultAction, defaultErrnoRet, architectures, syscalls }: OciSeccomp, arch: Arch): string {
  const text = JSON.stringify(
    [FORMAT, arch, defaultAction, defaultErrnoRet, architectures, syscalls],
    (_, value: unknown) => (typeof value === 'bigint' ? `${value}` : value),
  );
  return createHash('sha256').update(text).digest('hex').slice(0, 32);
}

async function kept(profile: OciSeccomp, key: string): Promise<SeccompFilter> {
  const { program, warnings } = await remembered<Kept>(
    join(cacheDir(), 'seccomp', `${key}.json`),
    async () => {
      const made = compileProfile(profile, await libseccomp());
      return { program: Buffer.from(made.program).toString('base64'), warnings: made.warnings };
    },
    (answer) => typeof answer.program === 'string' && Array.isArray(answer.warnings),
  );
  return { program: Buffer.from(program, 'base64'), warnings };
}

/** The same every time for the same library. */
export function compileProfile(profile: OciSeccomp, library: Library): SeccompFilter {
  const { defaultAction, architectures, rules, warnings } = wantedOf(profile, library);
  const listed = library.compile(defaultAction, architectures, rules, (errno, from) => {
    const what = errno === 0 ? 'is refused by libseccomp' : `is refused by libseccomp: errno ${errno}`;
    const hint = 'this libseccomp or kernel may not know the action, or the architectures differ in their byte order';
    throw configError(from, what, { hint });
  });
  const program = shortenFilter(decodeProgram(listed), (architecture, table) =>
    defaultAction === (RETURNS.ERRNO | EPERM) ? unknownCallsToEnosys(table, architecture, library) : table,
  );
  if (program.length > MAX_INSTRUCTIONS) {
    throw configError('linux.seccomp', `needs ${program.length} instructions; the kernel takes ${MAX_INSTRUCTIONS}`);
  }
  return { program: encodeProgram(program), warnings };
}

const EPERM = 1;
const ENOSYS = 38;
/** x32 has the numbers of x86_64 with this bit. */
const X32 = 0x40000000;

/**
 * A call that is younger than the library, and so than every profile made for it, is one that this "kernel" does not have:
 * C libraries then go on with an older call, and would give up at EPERM. As runc has it.
 */
function unknownCallsToEnosys(table: CallRange[], architecture: number, library: Library): CallRange[] {
  let greatest = 1023;
  while (greatest > 0 && !library.hasCall(architecture, greatest)) greatest--;
  if (greatest === 0) return table;
  const change: [number, number] = [RETURNS.ERRNO | EPERM, RETURNS.ERRNO | ENOSYS];
  const own = replaceAbove(table, { greatest, below: X32 }, change);
  return replaceAbove(own, { greatest: X32 + greatest, below: 2 * X32 }, change);
}

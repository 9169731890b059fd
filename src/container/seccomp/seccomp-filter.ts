/** A system-call filter as the kernel takes it, from an OCI profile; compiled once, and then kept in the cache. */
import { statSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { remembered } from '../../base/partial.js';
import { cacheDir } from '../../base/paths.js';
import type { Arch } from '../../sys/abi.js';
import { configError } from '../config/parse-config.js';
import type { OciSeccomp } from '../config/schema.js';
import { type CallRange, replaceAbove } from './call-table.js';
import { decodeProgram, encodeProgram, type Instruction, MAX_INSTRUCTIONS, RETURNS } from './classic-bpf.js';
import { type AskLibrary, askLibrary, type LibraryAnswer, type LibraryRefusal } from './libseccomp.js';
import { type Wanted, wantedOf } from './profile.js';
import { shortenFilter } from './shorten-filter.js';

export interface SeccompFilter {
  /** struct sock_filter[]. */
  program: Uint8Array;
  warnings: string[];
}

interface Kept {
  /** What it was made of: the file's name is no proof. */
  made: string;
  program: string;
  warnings: string[];
}

/** Changes whenever the same profile would become another program. */
const FORMAT = 3;

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

/** All that decides about the program. */
function keyOf({ defaultAction, defaultErrnoRet, architectures, syscalls }: OciSeccomp, arch: Arch): string {
  const parts = [FORMAT, arch, defaultAction, defaultErrnoRet, architectures, syscalls];
  try {
    return JSON.stringify(parts); // only large numbers need the function below, which makes it slow
  } catch {
    return JSON.stringify(parts, (_, value: unknown) => (typeof value === 'bigint' ? `${value}` : value));
  }
}

/**
 * Told apart quickly, and not for sure: its length, and FNV-1a by words of 32 bits, for node:crypto takes longer to load than a
 * start of Node can bear (http://www.isthe.com/chongo/tech/comp/fnv).
 */
function nameOf(key: string): string {
  const words = new Uint32Array(Math.ceil(key.length / 4));
  Buffer.from(words.buffer).write(key, 'latin1');
  let hash = 0x811c9dc5;
  for (const word of words) {
    hash = Math.imul(hash ^ word, 0x01000193);
    hash ^= hash >>> 15; // a word's upper bits would reach no lower ones
  }
  return `${key.length.toString(16).padStart(8, '0')}${(hash >>> 0).toString(16).padStart(8, '0')}`;
}

/** Whoever makes a new profile each time must not fill the disk with them. */
const MOST_KEPT = 500;

async function forgetOldest(folder: string): Promise<void> {
  const names = await readdir(folder).catch(() => []);
  if (names.length < MOST_KEPT) return;
  const files = names.map((name) => join(folder, name));
  const made = (path: string) => statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
  const oldest = files.sort((a, b) => made(a) - made(b)).slice(0, names.length - MOST_KEPT / 2);
  await Promise.all(oldest.map((path) => rm(path, { force: true })));
}

async function kept(profile: OciSeccomp, key: string): Promise<SeccompFilter> {
  const folder = join(cacheDir(), 'seccomp');
  const { program, warnings } = await remembered<Kept>(
    join(folder, `${nameOf(key)}.json`),
    async () => {
      const made = await compileProfile(profile);
      await forgetOldest(folder);
      return { made: key, program: Buffer.from(made.program).toString('base64'), warnings: made.warnings };
    },
    (answer) => answer.made === key && typeof answer.program === 'string' && Array.isArray(answer.warnings),
  );
  return { program: Buffer.from(program, 'base64'), warnings };
}

/** The same every time for the same library. Errors: those of `seccompFilter`. */
export async function compileProfile(profile: OciSeccomp, ask: AskLibrary = askLibrary): Promise<SeccompFilter> {
  const wanted = wantedOf(profile);
  const answer = await ask(wanted.request);
  if (answer === 'endless') {
    throw configError('linux.seccomp', 'is nothing that libseccomp comes to an end with', {
      hint: 'rules about the arguments of one system call may contradict each other',
    });
  }
  if ('refused' in answer) throw refusal(answer, wanted, profile);
  const byDefault = wanted.request.defaultAction;
  const listed = decodeProgram(Buffer.from(answer.program, 'base64'));
  const program = shortened(listed, (architecture, table) =>
    byDefault === (RETURNS.ERRNO | EPERM) ? youngCallsToEnosys(table, answer.greatest[architecture]) : table,
  );
  if (program.length > MAX_INSTRUCTIONS) {
    throw configError('linux.seccomp', `needs ${program.length} instructions; the kernel takes ${MAX_INSTRUCTIONS}`);
  }
  return { program: encodeProgram(program), warnings: warningsOf(answer, wanted) };
}

function refusal({ refused }: LibraryRefusal, wanted: Wanted, profile: OciSeccomp) {
  const { errno, part, place = 0 } = refused;
  const from = { architectures: wanted.architecturesFrom[place], rules: wanted.rulesFrom[place] }[part as string];
  const path = from ?? `linux.seccomp${part === 'defaultAction' ? '.defaultAction' : ''}`;
  if (part === 'architectures' && errno === 0) {
    const name = profile.architectures?.[place];
    return configError(path, `is ${name}, which this libseccomp does not know`, { blame: 'host' });
  }
  return configError(path, `is refused by libseccomp: errno ${errno}`, {
    hint: 'this libseccomp or kernel may not know the action, or the architectures differ in their byte order',
  });
}

/** A call that the library does not know cannot be told apart from others, and gets the default. */
function warningsOf({ unknownCalls }: LibraryAnswer, { request, rulesFrom }: Wanted): string[] {
  const warnings = request.rules.flatMap(({ name }, index) =>
    unknownCalls.includes(name)
      ? [`${rulesFrom[index]}.names: this libseccomp does not know the system call ${name}`]
      : [],
  );
  return [...new Set(warnings)];
}

/** As long as it is when it has a shape that nobody has thought of: another version of the library may have one. */
function shortened(...[program, change]: Parameters<typeof shortenFilter>): Instruction[] {
  try {
    return shortenFilter(program, change);
  } catch (error) {
    if (error instanceof RangeError) return [...program];
    throw error;
  }
}

const EPERM = 1;
const ENOSYS = 38;
/** x32 has the numbers of x86_64 with this bit. */
const X32 = 0x40000000;

/**
 * A call that is younger than the library, and so than every profile made for it, is one that this "kernel" does not have:
 * C libraries then go on with an older call, and would give up at EPERM. As runc has it.
 */
function youngCallsToEnosys(table: CallRange[], greatest: number | undefined): CallRange[] {
  if (!greatest) return table;
  const change: [number, number] = [RETURNS.ERRNO | EPERM, RETURNS.ERRNO | ENOSYS];
  const own = replaceAbove(table, { greatest, below: X32 }, change);
  return replaceAbove(own, { greatest: X32 + greatest, below: 2 * X32 }, change);
}

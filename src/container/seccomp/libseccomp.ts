/**
 * libseccomp as far as a filter is made by it (seccomp_init(3), seccomp_rule_add(3), seccomp_export_bpf(3)). It is loaded
 * when a profile is compiled for the first time; from then on the result is in the cache.
 */
import { closeSync, fstatSync, openSync, readSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { VlabError } from '../../base/errors.js';
import { partialBeside } from '../../base/partial.js';
import { cacheDir } from '../../base/paths.js';

export interface ArgumentTest {
  index: number;
  /** enum scmp_compare. */
  operator: number;
  value: bigint;
  valueTwo: bigint;
}

export interface Rule {
  action: number;
  call: number;
  tests: ArgumentTest[];
  /** The JSON path of what it was made of. */
  from: string;
}

export interface Library {
  /** The token of an architecture by its name in lower case; 0: unknown. */
  architecture(name: string): number;
  /** The number of a system call here; negative where only other architectures have it, -1 where none has. */
  call(name: string): number;
  hasCall(architecture: number, number: number): boolean;
  /** Errors: `refused` is called with an errno and what was refused, and throws. */
  compile(
    defaultAction: number,
    architectures: readonly { token: number; from: string }[],
    rules: readonly Rule[],
    refused: (errno: number, from: string) => never,
  ): Buffer;
}

/** struct scmp_arg_cmp. */
const ARGUMENT_BYTES = 24;
const EEXIST = 17;

let loaded: Promise<Library> | undefined;

/** Errors: `host` when it is not installed. */
export function libseccomp(): Promise<Library> {
  loaded ??= load();
  return loaded;
}

async function load(): Promise<Library> {
  const { default: koffi } = await import('koffi');
  let library: ReturnType<typeof koffi.load>;
  try {
    library = koffi.load('libseccomp.so.2');
  } catch (cause) {
    throw new VlabError('host', 'libseccomp, which compiles system-call filters, cannot be loaded', {
      cause,
      hint: 'install it (Debian: libseccomp2), or run without a filter: vlab run --seccomp unconfined',
    });
  }
  const init = library.func('void *seccomp_init(uint32_t)');
  const release = library.func('void seccomp_release(void *)');
  const archAdd = library.func('int seccomp_arch_add(void *, uint32_t)');
  const archByName = library.func('uint32_t seccomp_arch_resolve_name(const char *)');
  const callByName = library.func('int seccomp_syscall_resolve_name(const char *)');
  const callName = library.func('void *seccomp_syscall_resolve_num_arch(uint32_t, int)');
  const free = library.func('void free(void *)');
  const ruleAdd = library.func('int seccomp_rule_add_array(void *, uint32_t, int, unsigned int, const void *)');
  const exportBpf = library.func('int seccomp_export_bpf(void *, int)');
  return {
    architecture: (name) => archByName(name) as number,
    call: (name) => callByName(name) as number,
    hasCall(architecture, number) {
      const name = callName(architecture, number) as unknown;
      if (name === null) return false;
      free(name);
      return true;
    },
    compile(defaultAction, architectures, rules, refused) {
      const filter = init(defaultAction) as unknown;
      if (filter === null) return refused(0, 'linux.seccomp.defaultAction');
      const must = (result: number, from: string) => {
        // What is there already is no second rule.
        if (result < 0 && result !== -EEXIST) refused(-result, from);
      };
      try {
        for (const { token, from } of architectures) must(archAdd(filter, token) as number, from);
        for (const { action, call, tests, from } of rules) {
          must(ruleAdd(filter, action, call, tests.length, encodeTests(tests)) as number, from);
        }
        return readBack((fd) => must(exportBpf(filter, fd) as number, 'linux.seccomp'));
      } finally {
        release(filter);
      }
    },
  };
}

function encodeTests(tests: readonly ArgumentTest[]): Buffer {
  const bytes = Buffer.alloc(Math.max(1, tests.length) * ARGUMENT_BYTES);
  tests.forEach(({ index, operator, value, valueTwo }, at) => {
    bytes.writeUInt32LE(index, at * ARGUMENT_BYTES);
    bytes.writeUInt32LE(operator, at * ARGUMENT_BYTES + 4);
    bytes.writeBigUInt64LE(BigInt.asUintN(64, value), at * ARGUMENT_BYTES + 8);
    bytes.writeBigUInt64LE(BigInt.asUintN(64, valueTwo), at * ARGUMENT_BYTES + 16);
  });
  return bytes;
}

/** The library writes to a descriptor only: to a file that has no name any more. */
function readBack(write: (fd: number) => void): Buffer {
  const path = partialBeside(join(cacheDir(), 'seccomp', 'export'));
  const fd = openSync(path, 'wx+', 0o600);
  try {
    unlinkSync(path);
    write(fd);
    const bytes = Buffer.alloc(fstatSync(fd).size);
    readSync(fd, bytes, 0, bytes.length, 0);
    return bytes;
  } finally {
    closeSync(fd);
  }
}

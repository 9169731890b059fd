'use strict';
// Lets libseccomp make a filter (seccomp_init(3), seccomp_rule_add(3), seccomp_export_bpf(3)): a request as JSON on standard
// input, an answer as JSON on standard output. A process of its own, since the library does not come to an end with some rules
// that contradict each other (2.5.4: a loop in seccomp_rule_add), and its caller may serve others.
const { closeSync, fstatSync, readFileSync, readSync } = require('node:fs');

const MFD_CLOEXEC = 1;
/** struct scmp_arg_cmp. */
const TEST_BYTES = 24;
const EEXIST = 17;
/** __NR_SCMP_ERROR; other negative numbers stand for calls that only other architectures have. */
const UNKNOWN_CALL = -1;
/** No architecture has as many calls. */
const MOST_CALLS = 1024;

/** @param {any} koffi */
function open(koffi) {
  const library = koffi.load('libseccomp.so.2');
  return {
    init: library.func('void *seccomp_init(uint32_t)'),
    release: library.func('void seccomp_release(void *)'),
    addArchitecture: library.func('int seccomp_arch_add(void *, uint32_t)'),
    architecture: library.func('uint32_t seccomp_arch_resolve_name(const char *)'),
    native: library.func('uint32_t seccomp_arch_native()'),
    call: library.func('int seccomp_syscall_resolve_name(const char *)'),
    nameOf: library.func('void *seccomp_syscall_resolve_num_arch(uint32_t, int)'),
    free: library.func('void free(void *)'),
    addRule: library.func('int seccomp_rule_add_array(void *, uint32_t, int, unsigned int, const void *)'),
    exportBpf: library.func('int seccomp_export_bpf(void *, int)'),
    memfdCreate: library.func('int memfd_create(const char *, unsigned int)'),
  };
}

/**
 * The answer's `refused` names the part of the request that the library did not take: its errno, and where it is
 * (`architectures`, `rules` with a place, or neither).
 * @param {ReturnType<typeof open>} lib
 * @param {{ defaultAction: number, architectures: string[], rules: { action: number, name: string, tests: (number | string)[][] }[] }} request
 */
function compile(lib, request) {
  const filter = lib.init(request.defaultAction);
  if (filter === null) return { refused: { errno: 0, part: 'defaultAction' } };
  const tokens = [lib.native()];
  const unknownCalls = new Set();
  try {
    for (const [place, name] of request.architectures.entries()) {
      const token = lib.architecture(name);
      if (token === 0) return { refused: { errno: 0, part: 'architectures', place } };
      const result = lib.addArchitecture(filter, token);
      if (result < 0 && result !== -EEXIST) return { refused: { errno: -result, part: 'architectures', place } };
      if (!tokens.includes(token)) tokens.push(token);
    }
    for (const [place, { action, name, tests }] of request.rules.entries()) {
      const call = lib.call(name);
      if (call === UNKNOWN_CALL) {
        unknownCalls.add(name);
        continue;
      }
      const result = lib.addRule(filter, action, call, tests.length, encodeTests(tests));
      // What is there already is no second rule.
      if (result < 0 && result !== -EEXIST) return { refused: { errno: -result, part: 'rules', place } };
    }
    const { result, bytes } = exported(lib, (fd) => lib.exportBpf(filter, fd));
    if (result < 0) return { refused: { errno: -result, part: 'program' } };
    const greatest = Object.fromEntries(tokens.map((token) => [token, greatestCall(lib, token)]));
    return { program: bytes.toString('base64'), unknownCalls: [...unknownCalls], greatest };
  } finally {
    lib.release(filter);
  }
}

/** @param {(number | string)[][]} tests index, operator, value, second value; the values as decimal text */
function encodeTests(tests) {
  const bytes = Buffer.alloc(Math.max(1, tests.length) * TEST_BYTES);
  for (const [at, [index, operator, value, valueTwo]] of tests.entries()) {
    bytes.writeUInt32LE(Number(index), at * TEST_BYTES);
    bytes.writeUInt32LE(Number(operator), at * TEST_BYTES + 4);
    bytes.writeBigUInt64LE(BigInt.asUintN(64, BigInt(value)), at * TEST_BYTES + 8);
    bytes.writeBigUInt64LE(BigInt.asUintN(64, BigInt(valueTwo)), at * TEST_BYTES + 16);
  }
  return bytes;
}

/** @param {ReturnType<typeof open>} lib @param {number} architecture @returns the greatest number of a call that the library knows */
function greatestCall(lib, architecture) {
  for (let number = MOST_CALLS - 1; number >= 0; number--) {
    const name = lib.nameOf(architecture, number);
    if (name === null) continue;
    lib.free(name);
    return number;
  }
  return 0;
}

/**
 * The library writes to a descriptor only: to memory (memfd_create(2)), so that no disk can be full or read-only.
 * @param {any} lib @param {(fd: number) => number} write
 */
function exported(lib, write) {
  const fd = lib.memfdCreate('filter', MFD_CLOEXEC);
  if (fd < 0) throw new Error('memfd_create(2) failed');
  try {
    const result = write(fd);
    const bytes = Buffer.alloc(fstatSync(fd).size);
    readSync(fd, bytes, 0, bytes.length, 0);
    return { result, bytes };
  } finally {
    closeSync(fd);
  }
}

/** @param {any} request what is asked for @returns {object} the answer, `missing` when there is no such library */
function answer(request) {
  let lib;
  try {
    lib = open(require('koffi'));
  } catch (error) {
    return { missing: error instanceof Error ? error.message : String(error) };
  }
  if (!request.isKnown) return compile(lib, request);
  const isKnown = (/** @type {string} */ name) => lib.architecture(name) !== 0;
  return { known: request.isKnown.filter(isKnown) };
}

module.exports = { answer, open };
if (require.main === module) process.stdout.write(JSON.stringify(answer(JSON.parse(readFileSync(0, 'utf8')))));

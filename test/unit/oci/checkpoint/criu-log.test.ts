// What a person is told when criu fails: lines as criu 4 writes them.
import { describe, expect, it } from 'vitest';
import { criuFailure, faultIn } from '../../../../src/oci/checkpoint/criu-log.js';

const log = (...lines: string[]) =>
  [
    '(00.000000) Version: 4.2.1 (gitid 0)',
    "(00.055876) Error (criu/util.c:1533): rlimit: Can't setup RLIMIT_NOFILE for self: Operation not permitted",
    ...lines,
  ].join('\n');

const TERMINAL = `(00.1) Error (criu/tty.c:2178): tty: Found dangling tty with sid 0 pgid 0 (pts) on peer fd 0.
Task attached to shell terminal. Consider using --shell-job option. More details on http://criu.org/Simple_loop`;

describe('the fault in a log', () => {
  it('is the first error that is one, and the last', () => {
    const text = log(
      "(00.049) Error (criu/files-reg.c:1790): Can't lookup mount=24 for fd=5 path=/data",
      '(00.050) Error (criu/cr-dump.c:1681): Dump files (pid: 18444) failed with -1',
      '(00.122) Error (criu/cr-dump.c:2111): Dumping FAILED.',
    );
    const line = "Can't lookup mount=24 for fd=5 path=/data";
    expect(faultIn(text)).toEqual({ first: line, last: line });
  });

  it('is what there is, when there is nothing better', () => {
    expect(faultIn(log('(00.1) Error (criu/cr-dump.c:2111): Dumping FAILED.'))?.last).toBe('Dumping FAILED.');
    expect(faultIn('(00.1) Version: 4.2.1')).toBeUndefined();
  });

  it('is told by a process of the container, too', () => {
    const text = log('(00.150)      1: Error (criu/files-reg.c:2175): File fd/1 has bad size 0 (expect 924)');
    expect(faultIn(text)?.first).toBe('File fd/1 has bad size 0 (expect 924)');
  });
});

describe('the failure', () => {
  const failure = (text: string | undefined, said?: string) =>
    criuFailure('checkpoint', 'container c', { text, path: '/images/dump.log' }, said);

  it.each([
    [TERMINAL, 'operation', '--shell-job'],
    [
      '(0.1) Error (criu/sk-inet.c:191): inet: Connected TCP socket, consider using --tcp-established option.',
      'operation',
      '--tcp-established',
    ],
    [
      '(0.1) Error (criu/file-lock.c:111): Some file locks are hold by dumping tasks! You can try --file-locks to dump them.',
      'operation',
      '--file-locks',
    ],
    [
      '(0.1) Error (criu/sk-unix.c:821): unix: External stream not supported (ino 0x3f6 peer 0)',
      'operation',
      '--ext-unix-sk',
    ],
    ["(0.1) Error (criu/sockets.c:628): sockets: Can't get 1:16 opt: Operation not supported", 'host', 'criu 4.2'],
    [
      "(0.1) Error (criu/files-reg.c:1790): Can't lookup mount=24 for fd=5 path=/data",
      'operation',
      'standard descriptors',
    ],
    [
      '(0.1) Error (criu/mem.c:44): Tracking memory is not available. Consider omitting --track-mem option.',
      'host',
      'CONFIG_MEM_SOFT_DIRTY',
    ],
    ['(0.1) Error (criu/files-reg.c:2175): File fd/1 has bad size 0 (expect 924)', 'operation', 'appending'],
    ["(0.1) Error (criu/cr-dump.c:300): Can't get rlimit 0: Operation not permitted", 'host', 'CAP_SYS_RESOURCE'],
    ["(0.1) 1: Error (criu/files-reg.c:2353): Can't open file fd/1 on restore: Permission denied", 'operation', 'pipe'],
    ['(0.1) Error (criu/util.c:642): execvp("tar", ...) failed: No such file or directory', 'host', 'install it'],
    ['(0.1) Error (criu/namespaces.c:1163): Namespaces dumping finished with error 59904', 'operation', '--empty-ns'],
    ['(0.1) Error (criu/sk-unix.c:1): unix: Unix socket 3521334 not found', 'operation', 'not sockets'],
  ])('names what can be done: %s', (line, blame, hint) => {
    const error = failure(log(line));
    expect(error.blame).toBe(blame);
    expect(error.hint).toContain(hint);
    expect(error.hint).toContain('/images/dump.log');
    expect(error.message).toContain('cannot checkpoint container c: criu failed over ');
  });

  it('has what criu answered when there is no log', () => {
    expect(failure(undefined, 'Unable to create a socket').message).toContain('Unable to create a socket');
    expect(failure(undefined).message).toContain('without a word');
  });
});

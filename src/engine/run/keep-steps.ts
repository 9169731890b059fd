/** The monitor's way to vlab-keep as steps: the ends of pipes and the socket that it keeps, and its exec. Pure. */
import { join } from 'node:path';
import { ABI, directoryFlags, flags } from '../../sys/abi.js';
import { CHANNEL_FD } from '../../sys/channel.js';
import { num } from '../../sys/num.js';
import type { PlanBuilder, Word } from '../../sys/plan.js';
import { SUN_PATH_BYTES } from '../../sys/unix-socket.js';
import { ATTACH_SOCKET, KEEP } from './keep.js';
import type { LogOptions, StartRequest } from './start-request.js';

export interface KeepOptions {
  /** The compiled vlab-keep. */
  keepPath: string;
  /** The container's directory, and that of its log, which is there. */
  dir: string;
  logDir: string;
  runDir: string;
  stdin: StartRequest['stdin'];
  log: LogOptions;
  terminal: boolean;
}

export interface KeepPipes {
  /** The monitor's ends. */
  output: Word;
  errors: Word;
  input: Word | undefined;
  /** In the child: its ends become its standard descriptors. */
  become(): void;
  /** In the monitor: its copies of the child's ends are closed. */
  leave(): void;
}

/** Standard input, output and error of a container without a terminal. `reads`: somebody may write to it. */
export function keepPipes(b: PlanBuilder, reads: boolean): KeepPipes {
  const pipe = (name: string, why: string) => {
    const ends = b.space(8, `${name}[2]`);
    b.step('pipe2', [ends, flags('O_CLOEXEC')], why);
    return { read: b.field(ends, 0, 'w32', `${name}[0]`), write: b.field(ends, 4, 'w32', `${name}[1]`) };
  };
  const input = reads ? pipe('input', 'a pipe for its standard input') : undefined;
  const output = pipe('output', 'for its standard output');
  const errors = pipe('errors', 'and for its standard error');
  const ofChild = [...(input ? [input.read] : []), output.write, errors.write];
  return {
    output: output.read,
    errors: errors.read,
    input: input?.write,
    become() {
      // Without a reader descriptor 0 is the launcher's: /dev/null.
      ofChild.forEach((end, index) => {
        const number = index + 3 - ofChild.length;
        b.step('dup3', [end, number, 0], `make it descriptor ${number}`);
      });
    },
    leave: () => ofChild.forEach((end) => void b.step('close', [end], "leave the container's end to it")),
  };
}

/** Its place in the file system has no other name; whoever may enter its directory may attach. Error: RangeError for a long path. */
export function listenForClients(b: PlanBuilder, runDir: string): Word {
  const path = Buffer.from(join(runDir, ATTACH_SOCKET));
  if (path.length >= SUN_PATH_BYTES) throw new RangeError(`the path of a socket is too long: ${path}`);
  const listener = b.word('listener');
  const address = b.space(2 + SUN_PATH_BYTES, `{${path}}`);
  b.put(address.offset, ABI.AF_UNIX, 32);
  b.fill(address.offset + 2, path);
  const kind = flags('SOCK_STREAM', 'SOCK_CLOEXEC');
  b.step('socket', [flags('AF_UNIX'), kind, 0], 'a socket for who attaches', { result: listener });
  b.step('unlinkat', [flags('AT_FDCWD'), b.str(path.toString()), 0], 'what a killed monitor left', {
    tolerate: ['ENOENT'],
  });
  b.step('bind', [listener, address, 2 + SUN_PATH_BYTES], 'give it its name');
  b.step('listen', [listener, 16], 'and let clients come');
  return listener;
}

interface Kept {
  pidfd: Word;
  listener: Word;
  exitFile: Word;
  output: Word;
  pipes: KeepPipes | undefined;
  endPlan: Uint8Array;
}

/** The monitor's last steps here. */
export function becomeKeep(b: PlanBuilder, o: KeepOptions, kept: Kept): void {
  const [logs, performer, memory] = [b.word('log directory'), b.word('vlab-init'), b.word('plan of the end')];
  const cloexec = ['O_RDONLY', 'O_CLOEXEC'] as const;
  const here = flags('AT_FDCWD');
  b.step('openat', [here, b.str(o.logDir), directoryFlags(b.arch, ...cloexec)], 'where its log is', { result: logs });
  b.step('openat', [here, b.str('/proc/self/exe'), flags(...cloexec)], 'this program, for the end', {
    result: performer,
  });
  b.step('memfd_create', [b.str('vlab-end'), flags('MFD_CLOEXEC')], 'a file for the plan of the end', {
    result: memory,
  });
  const bytes = kept.endPlan.length;
  b.step('write', [memory, b.data(kept.endPlan, `${bytes} bytes of plan`), bytes], 'which is known already', {
    accept: [bytes, bytes],
  });
  b.step('lseek', [memory, 0, 0], 'to be read from its beginning');
  const { pipes } = kept;
  const passed: [Word | number, number, string][] = [
    [CHANNEL_FD, KEEP.caller, 'who started it'],
    [kept.pidfd, KEEP.pidfd, 'its first process'],
    [kept.listener, KEEP.listener, 'who attaches'],
    [kept.output, KEEP.output, 'its output'],
    ...(pipes ? [[pipes.errors, KEEP.errors, 'its errors'] as [Word, number, string]] : []),
    ...(pipes?.input ? [[pipes.input, KEEP.input, 'its input'] as [Word, number, string]] : []),
    [logs, KEEP.logDirectory, 'the log'],
    [kept.exitFile, KEEP.exitFile, 'the record of its end'],
    [performer, KEEP.performer, 'who performs its end'],
    [memory, KEEP.endPlan, 'and the plan of it'],
  ];
  for (const [fd, number, what] of passed) b.step('dup3', [fd, number, 0], `${what}, where vlab-keep looks for it`);
  b.step('close_range', [KEEP.endPlan + 1, num(0xffffffff, '~0'), 0], 'and nothing behind');
  const files = o.log.driver === 'none' ? 0 : Math.max(1, o.log.maxFiles);
  const how = `${o.terminal ? 't' : ''}${o.stdin === 'once' ? 'o' : ''}${files > 0 ? 'l' : ''}`;
  const argv = b.stringArray(['vlab-keep', how, String(o.log.maxBytes ?? 0), String(files)], 'argv');
  b.step('execve', [b.str(o.keepPath), argv, b.stringArray([], 'envp')], 'keep its output, and wait for its end');
}

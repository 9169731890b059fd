/** Hooks that run inside the container's namespaces, as steps of its first process (config.md, "POSIX-platform Hooks"). Pure. */
import { ABI, flags } from '../../sys/abi.js';
import { cloneProcess } from '../../sys/clone.js';
import { words64 } from '../../sys/encode.js';
import { num } from '../../sys/num.js';
import { type Addr, label, type PlanBuilder, type Word } from '../../sys/plan.js';
import type { HookName, OciHook } from '../config/schema.js';
import { closeFrom } from './descriptor-steps.js';

/** The state of the container as JSON, which hooks read from standard input; it is in the image before they run. */
export interface HookState {
  text: Addr;
  bytes: number;
}

const SIGINFO_STATUS_AT = 24;

/** Runs the hooks of one name in their order; each must end with 0, within its timeout. */
export function hookSteps(b: PlanBuilder, name: HookName, hooks: readonly OciHook[], state: HookState): void {
  hooks.forEach((hook, index) => {
    oneHook(b, `${name} hook ${index} (${hook.path})`, hook, state);
  });
}

function oneHook(b: PlanBuilder, name: string, hook: OciHook, state: HookState): void {
  const input = b.word('state');
  const [parent, timedOut, done] = [label('hook started'), label('hook is late'), label('hook done')];
  const info = b.space(128, 'siginfo');
  // In memory: a hook that does not read a large state would hold up a pipe or a socket.
  b.step('memfd_create', [b.str('state'), flags('MFD_CLOEXEC')], `for the state that the ${name} reads`, {
    result: input,
  });
  b.step('write', [input, state.text, state.bytes], 'write it', { accept: [state.bytes, state.bytes] });
  b.step('lseek', [input, 0, 0], 'to be read from its beginning');
  const cloned = cloneProcess(b, { namespaces: [], borrowsMemory: true, why: `create a process for the ${name}` });
  cloned.toParent(parent);
  b.step('dup3', [input, 0, 0], 'the state is its standard input');
  b.step('umask', [num(0o022, '022')], 'with the usual mask for what it makes');
  // Its path may be one of the image, where a link could lead through them.
  closeFrom(b, 3, 'and no other descriptor is');
  const argv = b.stringArray(hook.args ?? [hook.path], 'argv');
  b.step('execve', [b.str(hook.path), argv, b.stringArray(hook.env ?? [], 'envp')], `run the ${name}`, {
    hint: 'a hook must be an executable file at this absolute path',
  });
  b.place(parent);
  b.step('close', [input], 'the hook has it');
  if (hook.timeout !== undefined) {
    // The descriptor that clone3 writes, and what follows it, are a struct pollfd (poll(2)).
    b.put(cloned.pidfd.offset + 4, ABI.POLLIN, 32);
    const poll: Addr = { kind: 'addr', offset: cloned.pidfd.offset, text: '{hook, POLLIN}' };
    const until = b.data(words64(hook.timeout, 0), `{${hook.timeout} s}`);
    b.step('ppoll', [poll, 1, until, 0, 8], `wait for its end, at most ${hook.timeout} s`, {
      retryOnEintr: true,
      jump: timedOut,
      jumpOn: 'zero',
    });
  }
  const reap = () =>
    b.step('waitid', [flags('P_PIDFD'), cloned.pidfd, info, flags('WEXITED'), 0], 'reap it', { retryOnEintr: true });
  reap();
  expectZero(b, b.field(info, SIGINFO_STATUS_AT, 'w32', 'status'), `go on only if the ${name} ended with 0`);
  b.step('close', [cloned.pidfd], 'done with it');
  if (hook.timeout !== undefined) {
    b.step('getpid', [], 'pass over what is for late hooks', { jump: done, jumpOn: 'positive' });
    b.place(timedOut);
    b.step('pidfd_send_signal', [cloned.pidfd, flags('SIGKILL'), 0, 0], 'end a hook that is late');
    reap();
    b.step('getpid', [], `wait for the ${name}: it did not end within ${hook.timeout} s`, { accept: [0, 0] });
    b.place(done);
  }
}

/** Ends the plan unless a word is 0: getrandom(2) returns how many bytes it was asked for, and up to 256 it gives them all. */
function expectZero(b: PlanBuilder, word: Word, why: string): void {
  b.step('getrandom', [b.space(256, 'unused'), word, 0], why, { accept: [0, 0] });
}

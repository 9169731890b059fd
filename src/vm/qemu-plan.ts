/** The plan that turns a fresh child of vlab into QEMU: it dies with vlab, and a terminal's signals do not reach it. Pure. */
import { type Arch, flags } from '../sys/abi.js';
import { CHANNEL_FD } from '../sys/channel.js';
import { words32 } from '../sys/encode.js';
import { type Plan, PlanBuilder } from '../sys/plan.js';

export function qemuPlan(
  arch: Arch,
  path: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Plan {
  const b = new PlanBuilder(arch);
  b.step(
    'prctl',
    [flags('PR_SET_PDEATHSIG'), flags('SIGKILL'), 0, 0, 0],
    'die with the process that wants the machine',
  );
  const poll = b.data(words32(CHANNEL_FD, 0), '{channel}');
  b.step('ppoll', [poll, 1, b.space(16, '{0 s}'), 0, 8], 'go on only while that process lives', {
    accept: [0, 0],
    retryOnEintr: true,
    hint: 'the process that asked for the machine ended before it was started',
  });
  b.step('setsid', [], 'a session of its own: Ctrl-C is for the guest, not for QEMU');
  const environment = Object.entries(env).map(([name, value]) => `${name}=${value}`);
  b.step(
    'execve',
    [b.str(path), b.stringArray([path, ...args], 'argv'), b.stringArray(environment, 'envp')],
    'become QEMU',
    { hint: `check that ${path} is executable` },
  );
  return b.build();
}

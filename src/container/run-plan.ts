/** The plan of `vlab run`: a container in the foreground, with the caller's own descriptors or a terminal. Pure. */
import { ABI, flags } from '../sys/abi.js';
import { attached, blockSignals, unblockSignals } from '../sys/attached.js';
import { CHANNEL_FD } from '../sys/channel.js';
import { words32 } from '../sys/encode.js';
import { num } from '../sys/num.js';
import { label, type Plan, PlanBuilder } from '../sys/plan.js';
import { Stamps } from '../sys/stamps.js';
import { compileContainer } from './compile.js';
import type { OciConfig } from './oci.js';
import type { Situation } from './situation.js';
import { terminalSteps } from './terminal-steps.js';

export interface RunPlan {
  plan: Plan;
  cgroupDirectories: string[];
}

/** `relayPath` is needed where config.process.terminal is set. */
export function runPlan(config: OciConfig, situation: Situation, relayPath?: string): RunPlan {
  const b = new PlanBuilder(situation.arch);
  const stamps = new Stamps(b);
  const container = compileContainer(b, config, situation);
  const terminal = config.process.terminal && relayPath ? terminalSteps(b, relayPath) : undefined;
  const tie = attached(b);
  const parent = label('parent');

  dieWithCaller(b);
  blockSignals(b);
  tie.before();
  terminal?.before();
  const cloned = container.create(stamps.pid);
  cloned.toParent(parent);
  stamps.stamp('spawned', 't1: the container has a process');
  b.step('setsid', [], "a session of its own: the caller's terminal does not signal it");
  container.enter(() => stamps.stamp('rooted', 't2: the container has its own root'));
  terminal?.child(container.pts(), container.dev());
  unblockSignals(b);
  container.drop();
  tie.child();
  b.step('close_range', [3, num(0xffffffff, '~0'), num(4, 'CLOSE_RANGE_CLOEXEC')], 'hand no other descriptor on');
  stamps.stamp('exec', 't3: the program is about to run');
  container.exec();

  b.place(parent);
  stamps.send('tell the caller the pid, so that it can pass signals on');
  terminal?.relay();
  stamps.reapWhenDone(cloned.pidfd);
  terminal?.finish();
  container.after();
  stamps.stamp('clean', 't7: reaped, and what was made for it is gone');
  return { plan: b.build(), cgroupDirectories: container.cgroupDirectories };
}

/** The performer ends with the caller, and goes no further if the caller has ended already. */
function dieWithCaller(b: PlanBuilder): void {
  const poll = b.data(words32(CHANNEL_FD, 0), '{the channel}');
  const zero = b.data(new Uint8Array(16), '{0 s}');
  b.step('prctl', [flags('PR_SET_PDEATHSIG'), num(ABI.SIGKILL, 'SIGKILL'), 0, 0, 0], 'end with the caller');
  b.step('ppoll', [poll, 1, zero, 0, 8], 'which must still be there', { accept: [0, 0], retryOnEintr: true });
}

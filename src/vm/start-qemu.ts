/** Starts QEMU as a child that dies with this process, however this process ends. */
import type { Socket } from 'node:net';
import { execa, type Options } from 'execa';
import { hostArch } from '../sys/abi.js';
import { perform } from '../sys/channel.js';
import { initVersion, nativeBinary } from '../sys/native.js';
import { qemuPlan } from './qemu-plan.js';

/** `options.stdio`: a pipe at 3, which carries the plan and closes when it has become QEMU; QEMU's channels follow. */
export async function startQemu<Chosen extends Options>(path: string, args: readonly string[], options: Chosen) {
  const plan = qemuPlan(hostArch(), path, args, { PATH: process.env.PATH ?? '/usr/bin' });
  const child = execa(await nativeBinary('vlab-init'), ['perform'], {
    ...options,
    reject: false,
    extendEnv: false,
    env: {},
  });
  const { ended } = perform(child.stdio[3] as unknown as Socket, plan, initVersion());
  /** The failed step of the plan; undefined when it became QEMU, for then the channel closes without an answer. */
  const planFailure = ended.then(
    ({ failure }) => failure,
    () => undefined,
  );
  return { child, planFailure };
}

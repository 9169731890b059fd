/** The plan that runs the same words in a Node process of their own. Pure. */
import { join } from 'node:path';
import { packageRoot } from '../base/paths.js';
import type { Arch } from '../sys/abi.js';
import { CHANNEL_FD } from '../sys/channel.js';
import { type Plan, PlanBuilder } from '../sys/plan.js';
import type { PlannerRequest } from './request.js';

/** The channel closes at exec; what the caller had at its number comes back to it. */
export function coldPlan(arch: Arch, { words, env, descriptors }: PlannerRequest): Plan {
  const b = new PlanBuilder(arch);
  const argv = b.stringArray([process.execPath, join(packageRoot(), 'bin/vlab-oci.cjs'), ...words], 'argv');
  const envp = b.stringArray(
    Object.entries(env).map(([name, value]) => `${name}=${value}`),
    'envp',
  );
  const moved = descriptors.get(CHANNEL_FD);
  if (moved) b.step('dup3', [moved.at, CHANNEL_FD, 0], "the caller's descriptor is at its number again");
  b.step('execve', [b.str(process.execPath), argv, envp], 'run it in Node');
  return b.build();
}

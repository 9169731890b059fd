import { rmSync } from 'node:fs';
import { VlabError } from '../../base/errors.js';
import type { OciConfig } from '../../container/config/schema.js';
import { errnoName, hostArch } from '../../sys/abi.js';
import { untilEnded } from '../../sys/until-ended.js';
import type { Caller } from '../caller.js';
import { executableFailure } from '../failure.js';
import { DONE, namedContainer, type Verb } from '../invocation.js';
import { type Found, findContainer, lockedContainer } from '../locked-container.js';
import { runPoststart } from '../poststart.js';
import { startPlan } from '../start-plan.js';

/** runtime.md, "Start": runs the program of a created container. */
export const start: Verb = async (invocation) => {
  const { caller } = invocation;
  const container = namedContainer(invocation);
  mustBeCreated(findContainer(container)); // no creation is waited for
  const { config, record } = await lockedContainer(container, (found) => letGo(caller, found));
  // Without the lock: whatever a hook does, the container can be deleted.
  await runPoststart(config, record, caller.gone);
  return DONE;
};

function mustBeCreated({ container, status }: Found): void {
  if (status === 'created') return;
  throw new VlabError('operation', `cannot start container ${container.id}: it is ${status}, not created`);
}

async function letGo(caller: Caller, found: Found): Promise<Found & { config: OciConfig }> {
  const { container, record } = found;
  mustBeCreated(found);
  const config = container.config();
  if (config.process.args.length === 0) {
    throw new VlabError(
      'input',
      `cannot start container ${container.id}: config.json: process.args is empty or process is not set`,
    );
  }
  const fifos = { start: container.startFifo, outcome: container.outcomeFifo };
  const performance = await caller.perform(startPlan(hostArch(), fifos));
  const { failure, reply } = await performance.ended;
  if (failure) throw failure;
  rmSync(fifos.start);
  rmSync(fifos.outcome);
  const reached = reply.readBigInt64LE(0) > 0n;
  const errno = Number(-reply.readBigInt64LE(8));
  if (!reached || errno !== 0) {
    // Callers delete it at once, and containerd only what it has seen stop.
    if (record.init) await untilEnded(record.init);
    throw reached ? executableFailure(config, errnoName(errno)) : diedBefore(config);
  }
  return { ...found, config };
}

function diedBefore({ hooks }: OciConfig): VlabError {
  const hook = hooks?.startContainer?.length
    ? 'a startContainer hook failed (config.json: hooks.startContainer), or it was killed'
    : 'it was killed';
  return new VlabError('operation', `the container ended before its program could run: ${hook}`);
}

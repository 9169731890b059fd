import { rmSync } from 'node:fs';
import { VlabError } from '../../base/errors.js';
import { errnoName, hostArch } from '../../sys/abi.js';
import { executableFailure } from '../failure.js';
import { runHooksAll } from '../hooks.js';
import { DONE, namedContainer, type Verb } from '../invocation.js';
import { lockedContainer } from '../locked-container.js';
import { startPlan } from '../start-plan.js';
import { ociState } from '../state.js';

/** runtime.md, "Start": runs the program of a created container. */
export const start: Verb = (invocation) =>
  lockedContainer(namedContainer(invocation), async ({ container, record, status }) => {
    if (status !== 'created') {
      throw new VlabError('operation', `cannot start container ${container.id}: it is ${status}, not created`);
    }
    const config = container.config();
    if (config.process.args.length === 0) {
      throw new VlabError(
        'input',
        `cannot start container ${container.id}: process.args is empty or process is not set`,
      );
    }
    const fifos = { start: container.startFifo, outcome: container.outcomeFifo };
    const performance = await invocation.caller.perform(startPlan(hostArch(), fifos));
    const { failure, reply } = await performance.ended;
    if (failure) throw failure;
    rmSync(fifos.start);
    rmSync(fifos.outcome);
    const errno = Number(-reply.readBigInt64LE(0));
    if (errno !== 0) throw executableFailure(config, errnoName(errno));
    const told = await runHooksAll(config, 'poststart', ociState(record, 'running'));
    return told.length === 0 ? DONE : { exitCode: 0, warnings: told };
  });

/** A further program in a running container, beside the same in straight-line C. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, rmSync } from 'node:fs';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { VlabError } from '../../src/base/errors.js';
import { OWN_THREAD } from '../../src/container/cgroup/cgroup.js';
import { prepareRun } from '../../src/container/run-container.js';
import { sharedLauncher } from '../../src/container/shared-launcher.js';
import { situationFor } from '../../src/container/situation-for.js';
import { startDetached } from '../../src/container/start-detached.js';
import { execPlanOf } from '../../src/container/steps/exec-steps.js';
import { observedPlan } from '../../src/drivers/observe.js';
import { readCgroupLayout } from '../../src/host/cgroup-layout.js';
import { seededRandom, shuffle } from '../../src/stats/random.js';
import { pairedRatio } from '../../src/stats/ratio.js';
import { hasEnded, processOf } from '../../src/sys/owners.js';
import { signalIfThere } from '../../src/sys/signal.js';
import { readObserved } from '../../src/sys/stamps.js';
import { compiled } from '../compiled.js';
import { filterWords, keepWord } from '../floor.js';
import { median, milliseconds, ratioCell } from './cells.js';
import type { MeasurePart } from './part.js';

const WARM_UP_ROUNDS = 5;
const ANSWER_BYTES = 32;

export const exec: MeasurePart = async ({ scratchDir, rootfs, rounds, seed }) => {
  const idle = await prepareRun({ rootfs, command: ['/probe', 'sleep', '3600'], env: {}, detached: true });
  const { pid } = await startDetached(idle);
  const running = processOf(pid);
  const process = { ...idle.config.process, args: ['/probe', 'true'] };
  const config = { ...idle.config, process };
  const situation = await situationFor(config);
  const resident = await sharedLauncher();
  const floor = await openEnter(pid, [keepWord(process), ...filterWords(situation)]);
  const times = {
    vlab: { exec: [] as number[], exit: [] as number[] },
    floor: { exec: [] as number[], exit: [] as number[] },
  };
  const random = seededRandom(seed, 'exec');
  let count = 0;
  const enterByVlab = async (): Promise<[number, number]> => {
    const at = join(scratchDir, `exec-${count++}`);
    const files = { stdoutPath: `${at}.out`, stderrPath: `${at}.err` };
    const plan = observedPlan(situation.arch, (b) => execPlanOf(b, config, situation, { pid }), {
      ...files,
      ready: 'exit',
    });
    const { receivedNs, reply, failure } = await (await resident.perform(plan)).ended;
    for (const path of Object.values(files)) rmSync(path, { force: true });
    if (failure) throw failure;
    const { stamps } = readObserved(reply);
    return [Number((stamps.exec ?? 0n) - receivedNs), Number((stamps.exited ?? 0n) - receivedNs)];
  };
  try {
    for (let round = -WARM_UP_ROUNDS; round < rounds; round++) {
      for (const arm of shuffle(['vlab', 'floor'] as const, random)) {
        const [toExec, toExit] = arm === 'floor' ? await floor.enter(pid) : await enterByVlab();
        if (round < 0) continue;
        times[arm].exec.push(toExec);
        times[arm].exit.push(toExit);
      }
    }
  } finally {
    floor.close();
    signalIfThere(pid, 'SIGKILL');
    while (!hasEnded(running)) await sleep(5);
  }
  const rows = (['exec', 'exit'] as const).map((metric) => [
    metric === 'exec' ? 'request → exec of the program' : 'request → end of the program',
    milliseconds(median(times.floor[metric])),
    milliseconds(median(times.vlab[metric])),
    ratioCell(pairedRatio(times.vlab[metric], times.floor[metric], seededRandom(seed, metric))),
  ]);
  return {
    title: 'exec into a running container',
    how: `\`/probe true\` by the running launcher, and by [enter.c](../../bench/enter.c), a running process that joins the same namespaces and cgroups and is confined in the same way; ${rounds} rounds in random order. Promise: ≤ 1.5.`,
    head: ['what is timed', 'enter.c', 'vlab', 'ratio (95 %)'],
    rows,
    values: times,
  };
};

async function openEnter(pid: number, confinement: readonly string[]) {
  const child = spawn(await compiled('enter'), [...cgroupsOf(pid), ...confinement, '--', '/probe', 'true'], {
    stdio: ['ignore', 'ignore', 'inherit', 'pipe'],
  });
  const channel = child.stdio[3] as Socket;
  return {
    async enter(target: number): Promise<[number, number]> {
      const request = Buffer.alloc(4);
      request.writeInt32LE(target);
      channel.write(request);
      let answer = Buffer.alloc(0);
      while (answer.length < ANSWER_BYTES) {
        const [chunk] = (await once(channel, 'data')) as [Buffer];
        answer = Buffer.concat([answer, chunk]);
      }
      const at = (index: number) => answer.readBigInt64LE(index * 8);
      if (at(3) !== 0n) throw new VlabError('operation', `enter.c: the program ended with status ${at(3)}`);
      return [Number(at(1) - at(0)), Number(at(2) - at(0))];
    },
    close: () => channel.destroy(),
  };
}

/** How enter.c joins the cgroups of a process, those that vlab has put it into (cgroups(7), /proc/PID/cgroup). */
function cgroupsOf(pid: number): string[] {
  const layout = readCgroupLayout();
  const lines = readFileSync(`/proc/${pid}/cgroup`, 'utf8').trim().split('\n');
  return lines.flatMap((line) => {
    const [, names = '', path = '/'] = line.split(':');
    if (!path.includes('/vlab')) return [];
    const hierarchy = names === '' ? layout.unified : layout.controllers[names.split(',')[0] ?? ''];
    if (!hierarchy) return [];
    const directory = join(hierarchy.mountPoint, path);
    return [names === '' ? `unified=${directory}` : `tasks=${join(directory, OWN_THREAD)}`];
  });
}

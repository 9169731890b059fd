/** `ps` with many containers, and what one that runs keeps in memory. */
import { readFileSync } from 'node:fs';
import { askedLine } from '../../src/cli/prepare-container.js';
import { createContainer } from '../../src/engine/life/create-container.js';
import { openImageStore } from '../../src/image/store/image-store.js';
import { parentOf } from '../../src/sys/owners.js';
import { median, milliseconds } from '../containers/cells.js';
import type { Runtime } from '../containers/runtimes.js';
import { ask, IMAGE, type MeasureEngine, make, of, tools } from './tools.js';

const RUNNING = 10;
const PROMISED_MS = 300;

export const listing: MeasureEngine = async (context) => {
  const { sizes, timer, vlab } = context;
  const store = await openImageStore();
  const image = await store.get(IMAGE);
  const memory = tools(context).map((runtime) => ({ runtime, kib: keptKib(runtime) }));
  for (let count = RUNNING; count < sizes.records; count++) {
    const { asked } = askedLine({ network: ['none'] }, [IMAGE, 'true']);
    await createContainer({ asked, root: { kind: 'image', image, asked: IMAGE, blobs: store.blobs } });
  }
  const times: Record<string, number[]> = { 'vlab ps -a': [], 'vlab ps': [] };
  for (let round = -1; round < sizes.rounds; round++) {
    for (const [name, values] of Object.entries(times)) {
      const ns = await timer.time(vlab, name.split(' ').slice(1));
      if (round >= 0) values.push(ns);
    }
  }
  const listed = ask(of(vlab, 'ps', '-aq', '--no-trunc')).split('\n');
  for (let from = 0; from < listed.length; from += 500) ask(of(vlab, 'rm', '-f', ...listed.slice(from, from + 500)));
  const all = median(times['vlab ps -a'] ?? []);
  return {
    title: `With ${listed.length} containers`,
    how: `${RUNNING} of them run. Whole commands, ${sizes.rounds} times. Memory: proportional set size of what stays for one detached container beside its program, the mean of ${RUNNING}: vlab-keep, and conmon.`,
    head: ['what', 'figure'],
    rows: [
      ...Object.entries(times).map(([name, values]) => [`\`${name}\`, median`, milliseconds(median(values))]),
      ...memory.map(({ runtime, kib }) => [
        `memory kept by ${runtime.name} for one container`,
        `${kib.toFixed(0)} KiB`,
      ]),
    ],
    values: { ...times, memoryKib: Object.fromEntries(memory.map(({ runtime, kib }) => [runtime.name, kib])) },
    promises: [
      {
        name: `\`vlab ps -a\` with ${listed.length} containers`,
        figure: milliseconds(all),
        interval: `worst ${milliseconds(Math.max(...(times['vlab ps -a'] ?? [])))}`,
        blocks: sizes.rounds,
        promise: `≤ ${PROMISED_MS} ms`,
        kept: all / 1e6 <= PROMISED_MS,
      },
    ],
  };
};

/** Of the parents of containers' first processes. podman's are removed; vlab's are the ones that `ps` lists as running. */
function keptKib(runtime: Runtime): number {
  const words = of(runtime, ...make(runtime, 'run', '-d', '--network', 'none', IMAGE, 'sleep', '3600'));
  const ids = Array.from({ length: RUNNING }, () => ask(words));
  const pids = ask(of(runtime, 'inspect', '-f', '{{.State.Pid}}', ...ids))
    .split('\n')
    .map(Number);
  const kib = pids.map((pid) => pssKib(parentOf(pid) ?? 0)).reduce((sum, one) => sum + one, 0) / RUNNING;
  if (runtime.name === 'podman') ask(of(runtime, 'rm', '-f', '-t', '0', ...ids));
  return kib;
}

/** Proportional set size (proc_pid_smaps(5)). */
function pssKib(pid: number): number {
  return Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1] ?? 0);
}

/** The in-process paths that `npm run bench:micro` times. Everything is made up and fixed: no case touches the machine. */
import { defaultConfig } from '../src/container/config/default-config.js';
import type { Situation } from '../src/container/situation.js';
import { startPlan } from '../src/drivers/container.js';
import type { Row } from '../src/lab/row.js';
import { encodeRows } from '../src/lab/row-csv.js';
import { schedule } from '../src/lab/schedule.js';
import { seededRandom } from '../src/stats/random.js';
import { pairedRatio } from '../src/stats/ratio.js';
import { encodePlan } from '../src/sys/encode.js';
import type { Plan } from '../src/sys/plan.js';
import { argv } from '../src/vm/argv.js';
import type { QemuFeatures } from '../src/vm/qemu-features.js';
import type { MachineSpec } from '../src/vm/spec.js';

export interface MicroCase {
  name: string;
  /** One operation; what it returns must be used by nobody else. */
  run: () => unknown;
}

const SITUATION: Situation = {
  arch: 'x86_64',
  cgroups: ['memory', 'cpu', 'cpuacct', 'pids', 'devices'].map((name) => ({
    version: 1,
    root: `/sys/fs/cgroup/${name}`,
    parent: `/sys/fs/cgroup/${name}/vlab`,
    controllers: [name],
  })),
  kernelPaths: {
    '/proc/acpi': 'directory',
    '/proc/interrupts': 'file',
    '/proc/keys': 'file',
    '/sys/firmware': 'directory',
    '/proc/bus': 'directory',
    '/proc/sys': 'directory',
  },
  rootless: undefined,
};

/** A whole observed start of the default container, as the container driver compiles it for each start. */
function compile(): Plan {
  const config = defaultConfig({ id: 'bench', rootfs: '/srv/root', command: ['/probe', 'hello'], env: {} });
  return startPlan(config, SITUATION, { stdoutPath: '/run/o', stderrPath: '/run/e', ready: 'first-byte' }).plan;
}

const FEATURES: QemuFeatures = {
  version: '7.2.0',
  machineTypes: new Set(['q35', 'microvm']),
  machineOptions: { q35: new Set(['vmport', 'smm', 'sata', 'smbus', 'usb']) },
  devices: new Set(['virtio-serial-pci', 'virtserialport']),
  options: new Set(['sandbox']),
  kvmBuiltIn: true,
};
const MACHINE: MachineSpec = {
  arch: 'x86_64',
  machine: 'q35',
  accelerator: 'tcg',
  memoryMiB: 128,
  cpus: 1,
  kernel: { path: '/boot/vmlinuz', format: 'bzImage' },
  initramfs: '/run/initramfs',
  commandLine: ['console=ttyS0', 'quiet', 'panic=-1'],
  acpi: false,
  console: { kind: 'file', path: '/run/console' },
  ports: [1, 2, 3].map((number) => ({ number, name: `vlab.${number}`, channel: { kind: 'null' } })),
  monitor: undefined,
};

function madeUpRows(count: number): Row[] {
  return Array.from({ length: count }, (_, order) => ({
    block: Math.floor(order / 5),
    order,
    arm: 'container',
    driver: 'container',
    metric: 'ready',
    value: 1_234_567 + order,
    unit: 'ns',
    outcome: 'ok',
    reason: '',
    warmup: false,
    started_at_ns: String(5_000_000_000_000n + BigInt(order)),
    accel: '',
  }));
}

function madeUpTimes(blocks: number, stream: string): Float64Array {
  const random = seededRandom(1, stream);
  return Float64Array.from({ length: blocks }, () => 1 + random.unit());
}

/** `initVersion` only has to be some number here. */
export function microCases(): MicroCase[] {
  const plan = compile();
  const rows = madeUpRows(100);
  const [arm, baseline] = [madeUpTimes(20, 'arm'), madeUpTimes(20, 'baseline')];
  const arms = ['process', 'chroot', 'container', 'runc', 'vm'].map((label) => ({ label, every: 1 }));
  return [
    { name: 'compile the plan of a default container', run: compile },
    { name: 'encode that plan', run: () => encodePlan(plan, 1n) },
    { name: 'QEMU argv of a machine with three ports', run: () => argv(MACHINE, FEATURES) },
    { name: 'CSV lines of 100 rows', run: () => encodeRows(rows) },
    { name: 'ratio with its interval, 20 blocks', run: () => pairedRatio(arm, baseline, seededRandom(1, 'micro')) },
    {
      name: 'schedule of 5 arms, 100 blocks',
      run: () => schedule({ name: 'micro', arms, blocks: 100, warmup: 2 }, 1),
    },
  ];
}

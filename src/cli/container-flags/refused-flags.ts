/** docker's flags that vlab knows and does not have: each is told with the reason, and never passed over. */
import { refuse } from '../../engine/define/asked-error.js';
import { on, text, texts } from './flag.js';

const hidden = { hidden: true };

export const REFUSED_FLAGS = {
  gpus: text('', hidden),
  link: texts('', hidden),
  'kernel-memory': text('', hidden),
  'volume-driver': text('', hidden),
  'use-api-socket': on('', hidden),
  'cpu-count': text('', hidden),
  'cpu-percent': text('', hidden),
  'io-maxbandwidth': text('', hidden),
  'io-maxiops': text('', hidden),
};

const WINDOWS = 'it is for containers of Windows only';

export const REFUSALS: Record<keyof typeof REFUSED_FLAGS, { why: string; hint?: string }> = {
  gpus: { why: 'vlab hands no GPUs on', hint: 'hand its nodes on: --device /dev/dri' },
  link: {
    why: 'docker has given links up',
    hint: 'put both on a network of their own: --network NAME; they find each other by name',
  },
  'kernel-memory': {
    why: 'kernels since 5.16 have no such limit',
    hint: '--memory counts the memory of the kernel too',
  },
  'volume-driver': {
    why: 'vlab has no drivers for volumes but its own',
    hint: 'leave it out, or make the volume by vlab volume create -o',
  },
  'use-api-socket': { why: 'vlab has no daemon, and so no socket' },
  'cpu-count': { why: WINDOWS, hint: 'use --cpus' },
  'cpu-percent': { why: WINDOWS, hint: 'use --cpus' },
  'io-maxbandwidth': { why: WINDOWS, hint: 'use --device-read-bps and --device-write-bps' },
  'io-maxiops': { why: WINDOWS, hint: 'use --device-read-iops and --device-write-iops' },
};

/** Error (`input`): one of them was given, and means something. */
export function refuseUnsupported(flags: Record<string, unknown>): void {
  for (const [name, { why, hint }] of Object.entries(REFUSALS)) {
    const value = flags[name];
    const isNothing = value === undefined || value === false || (name === 'volume-driver' && value === 'local');
    if (!isNothing) throw refuse(`--${name}: ${why}`, hint);
  }
}

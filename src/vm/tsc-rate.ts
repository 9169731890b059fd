/** The rate of the processor's time-stamp counter, measured once a boot by a small native part. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { mustRun } from '../base/exec.js';
import { remembered } from '../base/partial.js';
import { cacheDir } from '../base/paths.js';
import { hostArch } from '../sys/abi.js';
import { nativeBinary } from '../sys/native.js';
import type { Accelerator } from './spec.js';

interface Measured {
  bootId: string;
  khz: number;
}

/**
 * What a guest should be told, in kHz. Undefined where there is no such counter, and under KVM, which tells the guest by
 * itself.
 */
export async function tscKhzFor(accelerator: Accelerator): Promise<number | undefined> {
  if (accelerator !== 'tcg' || hostArch() !== 'x86_64') return undefined;
  const bootId = (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim();
  const measure = async (): Promise<Measured> => {
    const { stdout } = await mustRun(await nativeBinary('tsc-rate'), []);
    return { bootId, khz: Number(stdout) };
  };
  const file = join(cacheDir(), 'tsc', 'rate.json');
  return (await remembered(file, measure, (known) => known.bootId === bootId)).khz;
}

/** The rate of the processor's time-stamp counter, measured once a boot by a small native part. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { mustRun } from '../base/exec.js';
import { writeWhole } from '../base/partial.js';
import { cacheDir } from '../base/paths.js';
import { hostArch } from '../sys/abi.js';
import { nativeBinary } from '../sys/native.js';

interface Measured {
  bootId: string;
  khz: number;
}

/** kHz, or undefined on processors that have no such counter. */
export async function tscRateKhz(): Promise<number | undefined> {
  if (hostArch() !== 'x86_64') return undefined;
  const bootId = (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim();
  const file = join(cacheDir(), 'tsc.json');
  const known = await readFile(file, 'utf8').then(
    (text) => JSON.parse(text) as Measured,
    () => undefined,
  );
  if (known?.bootId === bootId) return known.khz;
  const { stdout } = await mustRun(await nativeBinary('tsc-rate'), []);
  const measured: Measured = { bootId, khz: Number(stdout) };
  await writeWhole(file, JSON.stringify(measured));
  return measured.khz;
}

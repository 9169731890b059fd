import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, release, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { hostFacts, mitigationsOf } from '../../../src/host/facts.js';
import { pickKernelParameters, readChosen } from '../../../src/host/facts-from-text.js';

it('keeps kernel parameters that change timings, and nothing that names the machine', () => {
  const line =
    'BOOT_IMAGE=/vmlinuz root=UUID=12 ro quiet mitigations=off nosmt isolcpus=2,3 ip=10.0.0.1 -- mem=1 secret';
  expect(pickKernelParameters(line)).toEqual(['mitigations=off', 'nosmt', 'isolcpus=2,3']);
  expect(pickKernelParameters('')).toEqual([]);
  expect(pickKernelParameters('memmap=1 memory tsc=reliable')).toEqual(['tsc=reliable']);
});

it('reads the chosen word', () => {
  expect(readChosen('always [madvise] never')).toBe('madvise');
  expect(readChosen(null)).toBeNull();
  expect(readChosen('always')).toBeNull();
});

it('lists only what affects this CPU', () => {
  const folder = mkdtempSync(join(tmpdir(), 'vlab-facts-'));
  try {
    writeFileSync(join(folder, 'l1tf'), 'Not affected\n');
    writeFileSync(join(folder, 'meltdown'), 'Mitigation: PTI\n');
    writeFileSync(join(folder, 'spectre_v1'), 'Vulnerable\n');
    expect(mitigationsOf(folder)).toEqual({ meltdown: 'Mitigation: PTI', spectre_v1: 'Vulnerable' });
    expect(mitigationsOf(join(folder, 'none'))).toEqual({});
  } finally {
    rmSync(folder, { recursive: true });
  }
});

it('agrees with what Node says of this machine', async () => {
  const facts = await hostFacts();
  expect(facts.kernel.release).toBe(release());
  expect(facts.cpu.logicalCpus).toBeGreaterThanOrEqual(availableParallelism());
  expect(facts.memory.totalBytes).toBeLessThanOrEqual(totalmem() * 1.1);
  expect(facts.memory.totalBytes).toBeGreaterThan(totalmem() * 0.5);
  expect(facts.bootId).toMatch(/^[0-9a-f-]{36}$/);
  expect(facts.cpu.model).not.toBe('');
});

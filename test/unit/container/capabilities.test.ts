// The numbers themselves are compared with linux/capability.h in test/unit/sys/abi.test.ts.
import { describe, expect, it } from 'vitest';
import { CAPABILITIES, capabilityMask, DEFAULT_CAPABILITIES } from '../../../src/container/config/capabilities.js';

describe('capabilityMask', () => {
  it('sets a bit for each name', () => {
    expect(capabilityMask([])).toBe(0n);
    expect(capabilityMask(['CAP_CHOWN'])).toBe(1n);
    expect(capabilityMask(['CAP_SYS_ADMIN', 'CAP_CHECKPOINT_RESTORE'])).toBe((1n << 21n) | (1n << 40n));
    expect(capabilityMask(CAPABILITIES)).toBe((1n << 41n) - 1n);
  });

  it("is docker's for the default set", () => {
    expect(capabilityMask(DEFAULT_CAPABILITIES)).toBe(0xa80425fbn);
  });

  it('refuses a name that the kernel does not have', () => {
    expect(() => capabilityMask(['CAP_EVERYTHING'])).toThrow(/CAP_EVERYTHING/);
  });
});

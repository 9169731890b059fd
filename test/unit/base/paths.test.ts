import { afterEach, describe, expect, it, vi } from 'vitest';
import { runDir } from '../../../src/base/paths.js';

afterEach(() => vi.unstubAllEnvs());

describe('the run directory', () => {
  it('is what VLAB_RUN_DIR says, as long as sockets below it have room for their names', () => {
    vi.stubEnv('VLAB_RUN_DIR', `/${'é'.repeat(31)}a`);
    expect(runDir()).toHaveLength(33);
    vi.stubEnv('VLAB_RUN_DIR', `/${'é'.repeat(32)}`);
    expect(runDir).toThrow('has more than 64 bytes: /é');
  });
});

import { describe, expect, it } from 'vitest';
import { floorWords } from '../../../bench/floor.js';
import { defaultConfig } from '../../../src/container/config/default-config.js';
import { REQUEST, SITUATIONS } from '../container/situations.js';

const words = (situation: keyof typeof SITUATIONS) => floorWords(defaultConfig(REQUEST), SITUATIONS[situation]);

describe('the words for floor.c', () => {
  it('are those of the default configuration, on version 1', async () => {
    await expect(`${words('hybrid').join('\n')}\n`).toMatchFileSnapshot('golden/floor-words-hybrid.txt');
  });

  it('name one cgroup on version 2', () => {
    const cgroups = words('v2').filter((word) => /^(cgroup|devices|unified)=/.test(word));
    expect(cgroups).toEqual(['unified=/sys/fs/cgroup/vlab']);
  });

  it('hide only what this kernel has', () => {
    const hidden = words('v2').filter((word) => word.startsWith('hide-'));
    expect(hidden).toContain('hide-directory=/sys/firmware');
    expect(hidden).toHaveLength(5);
  });
});

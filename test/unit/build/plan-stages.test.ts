// biome-ignore-all lint/suspicious/noTemplateCurlyInString: variables of a Dockerfile are written so
import { describe, expect, it } from 'vitest';
import { parseDockerfile } from '../../../src/build/dockerfile/parse-dockerfile.js';
import { planStages } from '../../../src/build/plan-stages.js';
import { platformArgs } from '../../../src/build/platform-args.js';

const arm = { os: 'linux', architecture: 'arm64', variant: 'v8' };
const amd = { os: 'linux', architecture: 'amd64' };

function plan(lines: string[], target?: string, buildArgs: Record<string, string> = {}) {
  return planStages(parseDockerfile(lines.join('\n'), 'Dockerfile'), {
    target,
    buildArgs: new Map(Object.entries(buildArgs)),
    platformArgs: platformArgs(arm, amd),
  });
}
const order = (lines: string[], target?: string) => plan(lines, target).stages.map(({ index }) => index);

const LINES = [
  'FROM a AS one',
  'FROM b AS two',
  'COPY --from=0 / /',
  'FROM one AS three',
  'FROM c',
  'COPY --from=two / /',
  'COPY --from=busybox / /',
];

describe('stages', () => {
  it('are built where something stands on them or copies from them', () => {
    expect(order(LINES)).toEqual([0, 1, 3]);
    expect(order(LINES, 'three')).toEqual([0, 2]);
    expect(order(LINES, 'ONE')).toEqual([0]);
    expect(order(LINES, '1')).toEqual([0, 1]);
  });

  it('have bases that the ARGs before the first FROM name', () => {
    const lines = [
      'ARG tag=1',
      'ARG name=a:$tag',
      'ARG TARGETARCH',
      'FROM --platform=$BUILDPLATFORM $name',
      'FROM x-$TARGETARCH',
    ];
    expect(plan(lines, '0').stages).toMatchObject([{ base: { kind: 'image', name: 'a:1' }, platform: 'linux/amd64' }]);
    expect(plan(lines, '0', { tag: '2' }).stages).toMatchObject([{ base: { name: 'a:2' } }]);
    expect(plan(lines).stages).toMatchObject([{ base: { name: 'x-arm64' } }]);
    expect(plan(lines).globals.get('TARGETARCH')).toBe('arm64');
  });

  it('may begin with nothing', () => {
    expect(plan(['FROM scratch']).stages).toMatchObject([{ base: { kind: 'scratch' } }]);
    expect(() => plan(['FROM $none'])).toThrow('Dockerfile:1: base name ($none) should not be blank');
    expect(() => plan(LINES, 'tree')).toThrow('target stage "tree" could not be found');
  });
});

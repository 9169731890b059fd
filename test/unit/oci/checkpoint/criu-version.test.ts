import { expect, it } from 'vitest';
import { parseVersion, shortcomings } from '../../../../src/oci/checkpoint/criu-version.js';

it.each([
  ['Version: 3.17.1\n', '3.17.1', 31701],
  ['Version: 4.2\nGitID: v4.2\n', '4.2', 40200],
  ['warning\nVersion: 4.1.1', '4.1.1', 40101],
])('reads %j', (said, text, number) => {
  expect(parseVersion(said)).toEqual({ text, number });
});

it('reads nothing else', () => {
  expect(parseVersion('criu: command not found')).toBeUndefined();
});

it.each([
  ['5.10.0-33-amd64', '3.14', ['3.15']],
  ['6.1.0-30-amd64', '3.17.1', []],
  ['6.12.48', '3.17.1', []],
  ['6.13.0', '3.17.1', ['4.1']],
  ['6.13.0', '4.1.1', []],
  ['6.18.44-fc', '3.17.1', ['4.2', '4.1']],
  ['6.18.44-fc', '4.1.1', ['4.2']],
  ['7.0.1', '4.2.1', []],
])('on Linux %s criu %s lacks what came with %j', (release, criu, needs) => {
  const version = parseVersion(`Version: ${criu}`);
  expect(version && shortcomings(release, version).map((need) => need.criu.text)).toEqual(needs);
});

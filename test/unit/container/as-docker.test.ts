// What a container is by default is what it is by docker's, but for what docs/security.md lists.
import { expect, it } from 'vitest';
import { DEFAULT_CAPABILITIES } from '../../../src/container/config/capabilities.js';
import { defaultConfig } from '../../../src/container/config/default-config.js';
import { listedDifferences } from '../security-document.js';
import { dockerFacts, wordsOf } from './seccomp/docker-profile.js';
import { REQUEST } from './situations.js';

interface Facts {
  capabilities: string;
  mounts: Record<string, string>;
  maskedPaths: string;
  maskedWhereThere: string;
  readonlyPaths: string;
  namespaces: string;
  noNewPrivileges: boolean;
}

/** What one of them has and the other has not. */
function apart(what: string, ours: readonly string[], dockers: readonly string[]): string[] {
  return [
    ...ours.filter((one) => !dockers.includes(one)).map((one) => `${what}: only vlab has ${one}`),
    ...dockers.filter((one) => !ours.includes(one)).map((one) => `${what}: only docker has ${one}`),
  ];
}

it("a default configuration differs from docker's only as it is written", () => {
  const docker = dockerFacts<Facts>('config');
  const { process, mounts, linux } = defaultConfig(REQUEST);
  const capabilities = wordsOf(docker.capabilities).map((name) => `CAP_${name}`);
  const places = (paths: readonly string[]) => paths.toSorted();
  const found = [
    ...(['bounding', 'permitted', 'effective', 'inheritable', 'ambient'] as const).flatMap((set) =>
      apart(set, process.capabilities?.[set] ?? [], ['inheritable', 'ambient'].includes(set) ? [] : capabilities),
    ),
    ...apart('mounts', places(mounts.map(({ destination }) => destination)), places(Object.keys(docker.mounts))),
    ...mounts.flatMap(({ destination, options = [] }) => {
      const theirs = docker.mounts[destination];
      return theirs === undefined ? [] : apart(destination, options, wordsOf(theirs));
    }),
    ...apart('maskedPaths', linux.maskedPaths, [...wordsOf(docker.maskedPaths), docker.maskedWhereThere]),
    ...apart('readonlyPaths', linux.readonlyPaths, wordsOf(docker.readonlyPaths)),
    ...apart(
      'namespaces',
      linux.namespaces.map(({ type }) => type),
      wordsOf(docker.namespaces),
    ),
    ...(process.noNewPrivileges === docker.noNewPrivileges ? [] : ['noNewPrivileges']),
  ];
  expect(found.toSorted()).toEqual(listedDifferences('The configuration').toSorted());
  expect(DEFAULT_CAPABILITIES.toSorted()).toEqual(capabilities.toSorted());
});

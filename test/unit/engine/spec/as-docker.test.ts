// A container of an image without flags is docker's, but for what docs/docker-differences.md lists.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { ociConfigOf } from '../../../../src/engine/spec/oci-config.js';
import { dockerFacts, wordsOf } from '../../container/seccomp/docker-profile.js';
import { define, facts } from './definitions.js';

interface Facts {
  capabilities: string;
  mounts: Record<string, string>;
  maskedPaths: string;
  maskedWhereThere: string;
  readonlyPaths: string;
  namespaces: string;
  noNewPrivileges: boolean;
}

/** What engines mount beside the runtime's list, docker too. */
const FILES_OF_NAMES = ['/etc/hosts', '/etc/hostname', '/etc/resolv.conf'];

function apart(what: string, ours: readonly string[], dockers: readonly string[]): string[] {
  return [
    ...ours.filter((one) => !dockers.includes(one)).map((one) => `${what}: only vlab has ${one}`),
    ...dockers.filter((one) => !ours.includes(one)).map((one) => `${what}: only docker has ${one}`),
  ];
}

function listed(): string[] {
  const page = readFileSync(join(import.meta.dirname, '../../../../docs/docker-differences.md'), 'utf8');
  const section = page.split(/^#{2,3} /m).find((one) => one.startsWith('Without flags\n')) ?? '';
  return [...section.matchAll(/^\| `([^`]+)` \|/gm)].map(([, what = '']) => what);
}

it("differs from docker's only as it is written", () => {
  const docker = dockerFacts<Facts>('config');
  const { process, mounts, linux } = ociConfigOf(define().definition, facts());
  const own = mounts.filter(({ destination }) => !FILES_OF_NAMES.includes(destination));
  const capabilities = wordsOf(docker.capabilities).map((name) => `CAP_${name}`);
  const found = [
    ...(['bounding', 'permitted', 'effective'] as const).flatMap((set) =>
      apart(set, process.capabilities?.[set] ?? [], capabilities),
    ),
    ...apart('inheritable', process.capabilities?.inheritable ?? [], []),
    ...apart('ambient', process.capabilities?.ambient ?? [], []),
    ...apart(
      'mounts',
      own.map(({ destination }) => destination),
      Object.keys(docker.mounts),
    ),
    ...own.flatMap(({ destination, options }) =>
      apart(destination, options, wordsOf(docker.mounts[destination] ?? '')),
    ),
    ...apart('maskedPaths', linux.maskedPaths, [...wordsOf(docker.maskedPaths), docker.maskedWhereThere]),
    ...apart('readonlyPaths', linux.readonlyPaths, wordsOf(docker.readonlyPaths)),
    ...apart(
      'namespaces',
      linux.namespaces.map(({ type }) => type),
      wordsOf(docker.namespaces),
    ),
    ...(process.noNewPrivileges === docker.noNewPrivileges ? [] : ['noNewPrivileges']),
  ];
  expect(found.toSorted()).toEqual(listed().toSorted());
  expect(mounts.map(({ destination }) => destination)).toEqual(expect.arrayContaining(FILES_OF_NAMES));
});

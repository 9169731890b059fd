// docs/docker-differences.md names each flag of docker's commands once, and says of it what vlab's commands do.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { CREATE_FLAGS, RUN_FLAGS } from '../../src/cli/container-flags/create-flags.js';
import { EXEC_FLAGS } from '../../src/cli/container-flags/exec-flags.js';
import { REFUSALS } from '../../src/cli/container-flags/refused-flags.js';
import { UPDATE_FLAGS } from '../../src/cli/container-flags/update-flags.js';

interface DockerFlag {
  char?: string;
  /** `nothing`, `string`, `list`, … */
  takes: string;
}
interface OwnFlag {
  char?: string;
  type: 'boolean' | 'option';
  multiple?: boolean;
}

const repository = join(import.meta.dirname, '../..');
const read = (path: string) => readFileSync(join(repository, path), 'utf8');
const docker = JSON.parse(read('test/fixtures/docker/flags.json')) as Record<string, Record<string, DockerFlag>>;
const page = read('docs/docker-differences.md');

const VERDICTS = ['same', 'differs', 'no effect', 'refused'];
/** Told before a command is asked: oclif's own. */
const HELP = 'help';
/** Given several times, where docker's help does not call them a list. */
const ALSO_LISTS = ['list', 'map', 'mount', 'network', 'ulimit'];

/** `--name` → what the table below that heading says. */
function verdictsBelow(heading: string): Map<string, string> {
  const section = page.split(/^## /m).find((one) => one.startsWith(`${heading}\n`)) ?? '';
  const rows = section.split('\n').filter((line) => line.startsWith('| `--'));
  const entries = rows.flatMap((row) => {
    const [flags = '', verdict = ''] = row.slice(1).split('|');
    return [...flags.matchAll(/`--([\w-]+)`/g)].map(([, name = '']) => [name, verdict.trim()] as const);
  });
  expect(entries.map(([name]) => name)).toEqual([...new Set(entries.map(([name]) => name))]);
  return new Map(entries);
}

const tables: [string, string, Record<string, OwnFlag>, string[]][] = [
  ['run', '`run` and `create`', { ...CREATE_FLAGS, ...RUN_FLAGS }, ['rootfs', 'system', 'seccomp', 'show-plan']],
  ['exec', '`exec`', EXEC_FLAGS, []],
  ['update', '`update`', UPDATE_FLAGS, []],
];

describe.each(tables)('%s', (command, heading, own, ownAlone) => {
  const verdicts = verdictsBelow(heading);
  const dockers = docker[command] ?? {};

  it('has each of docker’s flags in the table, with a verdict', () => {
    expect([...verdicts.keys()].toSorted()).toEqual(Object.keys(dockers).toSorted());
    expect([...verdicts.values()].filter((verdict) => !VERDICTS.includes(verdict))).toEqual([]);
  });

  it('knows each of them, and has no others but its own', () => {
    const expected = [...Object.keys(dockers).filter((name) => name !== HELP), ...ownAlone];
    expect(Object.keys(own).toSorted()).toEqual(expected.toSorted());
  });

  it('has their letters, and takes a value where they do', () => {
    for (const [name, { char, takes }] of Object.entries(dockers)) {
      const flag = own[name];
      if (!flag) continue;
      expect([name, flag.char, flag.type]).toEqual([name, char, takes === 'nothing' ? 'boolean' : 'option']);
      if (flag.type === 'option') expect([name, flag.multiple ?? false]).toEqual([name, ALSO_LISTS.includes(takes)]);
    }
  });
});

it('says of a flag that it is refused where it is', () => {
  const refused = [...verdictsBelow('`run` and `create`')].filter(([, verdict]) => verdict === 'refused');
  expect(refused.map(([name]) => name).toSorted()).toEqual([...Object.keys(REFUSALS), 'link-local-ip'].toSorted());
});

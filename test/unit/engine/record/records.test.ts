import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { containerDir, containersDir } from '../../../../src/engine/record/container-files.js';
import { findContainer, findContainerId } from '../../../../src/engine/record/find-container.js';
import { checkName, giveBackName, idOfName, takeName, withNames } from '../../../../src/engine/record/names.js';
import { randomName } from '../../../../src/engine/record/random-name.js';
import {
  containerIds,
  fillRecord,
  isBusy,
  readState,
  removeRecord,
  withContainer,
  writeState,
} from '../../../../src/engine/record/records.js';
import { definitionFor, stateFor } from './record-fixture.js';

let before: string | undefined;
beforeEach(() => {
  before = process.env.VLAB_DATA_DIR;
  process.env.VLAB_DATA_DIR = mkdtempSync(join(tmpdir(), 'vlab-rec-'));
});
afterEach(() => {
  rmSync(process.env.VLAB_DATA_DIR ?? '', { recursive: true, force: true });
  if (before === undefined) delete process.env.VLAB_DATA_DIR;
  else process.env.VLAB_DATA_DIR = before;
});

const id = (start: string) => start.padEnd(64, '0');

async function make(start: string, name: string): Promise<string> {
  const record = { id: id(start), definition: definitionFor(id(start), name), state: stateFor(name) };
  await withNames(async () => {
    takeName(name, record.id);
    mkdirSync(containerDir(record.id), { recursive: true });
    fillRecord(containerDir(record.id), record);
  });
  return record.id;
}

describe('records', () => {
  it('are found by name, full id and a beginning that only one has', async () => {
    const [a, b] = [await make('abc1', 'web'), await make('abc2', 'db')];
    expect(findContainerId('web')).toBe(a);
    expect(findContainerId('/db')).toBe(b);
    expect(findContainerId(a)).toBe(a);
    expect(findContainerId('abc2')).toBe(b);
    expect(findContainer('web').definition.name).toBe('web');
    expect(() => findContainerId('abc')).toThrow('multiple IDs found with provided prefix: abc');
    expect(() => findContainerId('nix')).toThrow('No such container: nix');
    expect(() => findContainerId('../abc1')).toThrow('No such container');
  });

  it('a name that looks like the beginning of an id is a name first', async () => {
    await make('abc1', 'first');
    const b = await make('def1', 'abc1');
    expect(findContainerId('abc1')).toBe(b);
  });

  it('a name belongs to one container, until that is gone or is called otherwise', async () => {
    const a = await make('a', 'web');
    await expect(make('b', 'web')).rejects.toThrow(
      `Conflict. The container name "/web" is already in use by container "${a}".`,
    );
    expect(containerIds()).toEqual([a]);
    removeRecord(a); // a killed `rm` has not come to the name
    const b = await make('b', 'web');
    expect(idOfName('web')).toBe(b);
    await withContainer(b, async ({ state }) => writeState(b, { ...state, name: 'other' }));
    expect(idOfName('web')).toBeUndefined();
    const c = await make('c', 'web');
    await withNames(async () => giveBackName('web', b)); // too late: it is another one's
    expect(idOfName('web')).toBe(c);
  });

  it('only one of many gets a name', async () => {
    const tries = await Promise.allSettled([...'abcdef'].map((letter) => make(letter, 'one')));
    expect(tries.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect(containerIds()).toHaveLength(1);
  });

  it('are changed by one at a time, and gone ones are said to be gone', async () => {
    const a = await make('a', 'web');
    const counts = Array.from({ length: 20 }, () =>
      withContainer(a, async ({ state }) => {
        expect(isBusy(a)).toBe(true);
        await new Promise((resolve) => setImmediate(resolve));
        writeState(a, { ...state, restartCount: state.restartCount + 1 });
      }),
    );
    await Promise.all(counts);
    expect(readState(a)?.restartCount).toBe(20);
    expect(isBusy(a)).toBe(false);
    removeRecord(a);
    await expect(withContainer(a, async () => {})).rejects.toThrow(`No such container: ${a}`);
    expect(isBusy(a)).toBe(false);
  });

  it('a definition that is broken is told, and so is a state', async () => {
    const a = await make('a', 'web');
    const path = join(containerDir(a), 'definition.json');
    const good = readFileSync(path, 'utf8');
    writeFileSync(path, '{}');
    expect(() => findContainer('web')).toThrow('the definition of container a00000000000');
    writeFileSync(path, good);
    writeFileSync(join(containerDir(a), 'state.json'), '{');
    expect(() => findContainer(a)).toThrow('cannot be read');
  });

  it('a link that somebody else put among the names leads nowhere', async () => {
    const a = await make('a', 'web');
    symlinkSync('../../../etc', join(containersDir(), 'names', 'evil'));
    expect(idOfName('evil')).toBeUndefined();
    expect(idOfName('web')).toBe(a);
  });
});

describe('names', () => {
  it.each(['a', '', '-ab', 'a b', 'a/b', '\u001b[31m', 'x'.repeat(256)])('%j is none', (text) => {
    expect(() => checkName(text)).toThrow('Invalid container name');
  });

  it('has a leading slash taken off', () => expect(checkName('/web-1.a_b')).toBe('web-1.a_b'));

  it('a random one is free, also when many are taken', () => {
    const seen = new Set<string>();
    for (let n = 0; n < 50; n++) {
      const name = randomName(
        (one) => !seen.has(one),
        (below) => below - 1,
      );
      expect(checkName(name)).toBe(name);
      seen.add(name);
      if (seen.size > 9) break;
    }
    expect(randomName(() => true)).toMatch(/^[a-z]+_[a-z_]+$/);
  });

  it('whose state a power failure has emptied is as one that ended with the machine', async () => {
    const one = await make('abc1', 'web');
    writeFileSync(join(containerDir(one), 'state.json'), '');
    expect(readState(one)).toMatchObject({ name: 'web', phase: 'exited', exitCode: 255 });
    expect(findContainer('web').id).toBe(one);
  });
});

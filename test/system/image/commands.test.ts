/** Needs: the built dist/. */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { findProgram } from '../../../src/base/find-program.js';
import { digestOf } from '../../../src/image/digest.js';
import { isRoot, needs } from '../../skips.js';
import { VLAB } from '../lab/vlab-command.js';
import { addImage, OwnData, tarOf } from './small-images.js';
import { mustVlab, vlab } from './vlab-images.js';

let data: OwnData;

beforeEach(() => {
  data = new OwnData();
});
afterEach(() => data[Symbol.dispose]());

it('a root file system is imported, named, listed, shown, saved, removed and loaded', async () => {
  const tar = await tarOf({ 'etc/issue': 'hello\n' });
  const id = mustVlab(data, ['import', '-m', 'by hand', '-c', 'CMD ["/x"]', '-', 'app:v1'], {}, gzipSync(tar)).trim();
  expect(mustVlab(data, ['tag', 'app:v1', 'localhost:5000/team/app'])).toBe('');
  expect(mustVlab(data, ['images', '--format', '{{.Repository}}:{{.Tag}} {{.ID}}']).trim().split('\n').sort()).toEqual([
    `app:v1 ${id.slice(7, 19)}`,
    `localhost:5000/team/app:latest ${id.slice(7, 19)}`,
  ]);
  expect(mustVlab(data, ['image', 'ls', '-q', '--no-trunc'])).toBe(`${id}\n`);
  expect(mustVlab(data, ['images', 'app'])).toMatch(/^REPOSITORY +TAG +IMAGE ID +CREATED +SIZE\napp +v1 .*\n$/);
  expect(mustVlab(data, ['history', 'app:v1'])).toMatch(/^IMAGE +CREATED +CREATED BY +SIZE +COMMENT\n.* by hand *\n$/);
  const [document] = JSON.parse(mustVlab(data, ['image', 'inspect', id.slice(7, 20)])) as [Record<string, unknown>];
  expect(document).toMatchObject({
    Id: id,
    Config: { Cmd: ['/x'] },
    RepoTags: ['app:v1', 'localhost:5000/team/app:latest'],
    RootFS: { Type: 'layers', Layers: [digestOf(tar)] },
  });
  mustVlab(data, ['save', '-o', 'app.tar', 'app:v1']);
  expect(vlab(data, ['rmi', id.slice(7)]).stderr).toContain('image is referenced in multiple repositories');
  expect(mustVlab(data, ['rmi', 'localhost:5000/team/app'])).toBe('Untagged: localhost:5000/team/app:latest\n');
  expect(mustVlab(data, ['rmi', 'app:v1'])).toBe(`Untagged: app:v1\nDeleted: ${id}\nDeleted: ${digestOf(tar)}\n`);
  expect(readdirSync(join(data.images, 'blobs/sha256'))).toEqual([]);
  expect(mustVlab(data, ['load', '-i', 'app.tar'])).toBe('Loaded image: app:v1\n');
  expect(mustVlab(data, ['images', '-q', '--no-trunc'])).toBe(`${id}\n`);
});

it('what is wrong is told in words that scripts know, and with their exit codes', async () => {
  const said = (...words: string[]) => {
    const { status, stderr } = vlab(data, words);
    return [status, stderr.split('\n')[0]];
  };
  expect(said('rmi', 'nothing')).toEqual([1, 'error: No such image: nothing']);
  expect(vlab(data, ['rmi', '-f', 'nothing']).status).toBe(0);
  expect(said('tag', 'nothing', 'x')[1]).toBe('error: No such image: nothing');
  expect(said('pull', 'Some/Name')[1]).toMatch(/invalid reference format: .*Some\/Name/);
  expect(said('pull', '--policy', 'never', 'nothing')[1]).toBe('error: No such image: nothing');
  expect(said('push', 'localhost:1/x')[1]).toContain('An image does not exist locally with the tag');
  expect(said('save', '-o', 'no/such/file.tar', 'x')[1]).toBe('error: No such image: x');
  expect(said('load', '-i', 'missing.tar')).toEqual([1, 'error: cannot read missing.tar: ENOENT']);
  expect(said('import', 'missing.tar')).toEqual([1, 'error: cannot read missing.tar: ENOENT']);
  expect(vlab(data, ['import', '-'], {}, Buffer.from('no tar')).stderr).toContain('this is no tar archive');
  expect(vlab(data, ['load'], {}, Buffer.from('no tar')).status).not.toBe(0);
  expect(mustVlab(data, ['images'])).toMatch(/^REPOSITORY +TAG +IMAGE ID +CREATED +SIZE\n$/);
});

it('a tar is not written to a terminal', async (context) => {
  needs(context, 'script', findProgram('script') !== undefined);
  await addImage(await data.store(), 'app', { layers: [{ a: '1' }] });
  const line = `'${process.execPath}' '${VLAB}' save app`;
  const ran = spawnSync('script', ['-qec', line, '/dev/null'], { encoding: 'utf8', env: process.env });
  expect([ran.status, ran.stdout]).toEqual([1, expect.stringContaining('cowardly refusing to save to a terminal')]);
});

it('images without a name are pruned, and those that nobody uses; a person is asked', async () => {
  const store = await data.store();
  const old = await addImage(store, 'app', { layers: [{ a: '1' }] });
  await addImage(store, 'app', { layers: [{ a: '2' }] });
  const labelled = { created: '2020-01-01T00:00:00Z', config: { Labels: { keep: 'yes' } } };
  await addImage(store, 'labelled', { layers: [{ a: '3' }], config: labelled });
  expect(mustVlab(data, ['images', '-f', 'dangling=true', '-q', '--no-trunc'])).toBe(`${old.id}\n`);
  expect(mustVlab(data, ['image', 'prune'], {}, Buffer.from('n\n'))).toContain(
    'Are you sure you want to continue? [y/N]',
  );
  expect(mustVlab(data, ['image', 'prune'], {}, Buffer.from('y\n'))).toMatch(
    new RegExp(`deleted: ${old.id}\n[^]*Total reclaimed space: \\d`),
  );
  expect(mustVlab(data, ['image', 'prune', '-af', '--filter', 'label!=keep'])).toContain('untagged: app:latest');
  expect(mustVlab(data, ['images', '--format', '{{.Repository}}'])).toBe('labelled\n');
  mustVlab(data, ['image', 'prune', '-af', '--filter', 'until=24h']);
  expect(mustVlab(data, ['images', '-q'])).toBe('');
});

it('names and words of an image do not move a terminal', async () => {
  const store = await data.store();
  const config = {
    config: { Labels: { 'a\u001b]0;title\u0007': '\u001b[2J' } },
    history: [{ created_by: 'RUN \u001b[31mred\u009b2J', comment: 'line\nline' }],
  };
  await addImage(store, 'app', { layers: [{ a: '1' }], config });
  const shown = [
    mustVlab(data, ['history', '--no-trunc', 'app']),
    mustVlab(data, ['image', 'inspect', 'app']),
    mustVlab(data, ['images']),
  ];
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what it is about
  for (const text of shown) expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f]/);
  expect(shown[0]).toContain('RUN \\x1b[31mred\\x9b2J');
  expect(shown[0]?.split('\n')).toHaveLength(3);
});

it('a disk that is full is told plainly, and keeps nothing half', async (context) => {
  needs(context, 'root', isRoot);
  const layer = { big: Buffer.alloc(3_000_000, 'x') };
  const image = await addImage(await data.store(), 'app', { layers: [layer], isGzip: false });
  mustVlab(data, ['save', '-o', 'app.tar', 'app']);
  writeFileSync(join(data.folder, 'layer.tar'), await tarOf(layer));
  const script = `
    set -e
    mkdir -p small; mount -t tmpfs -o size=2m small small
    export VLAB_DATA_DIR=$PWD/small/data
    for words in "load -i app.tar" "import layer.tar x"; do
      "$0" "$1" $words >out 2>&1 && echo done || head -1 out
      find small -type f -size +100k
      "$0" "$1" images -q
    done
    mkdir small/out; export VLAB_DATA_DIR=$2
    "$0" "$1" save -o small/out/a.tar app >out 2>&1 && echo done || head -1 out
    ls -A small/out`;
  const words = ['-m', 'sh', '-c', script, process.execPath, VLAB, join(data.folder, 'data')];
  const ran = spawnSync('unshare', words, { cwd: data.folder, encoding: 'utf8', env: process.env });
  expect([ran.stderr, ran.stdout.trim().split('\n')]).toEqual([
    '',
    [
      expect.stringMatching(/^error: no space left on the disk at .*small\/data\/images\/ingest$/),
      expect.stringMatching(/^error: no space left on the disk at .*small\/data\/images\/ingest$/),
      'error: no space left on the disk at small/out',
    ],
  ]);
  expect(existsSync(join(data.folder, 'small/out'))).toBe(false);
  expect(image.references).toEqual(['docker.io/library/app:latest']);
  expect(readFileSync(join(data.folder, 'app.tar')).length).toBeGreaterThan(3_000_000);
});

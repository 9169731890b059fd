import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createWriteStream, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findProgram } from '../../../../src/base/find-program.js';
import type { LayerCompression } from '../../../../src/image/layer/compress.js';
import { type PackRequest, packLayer } from '../../../../src/image/layer/pack-layer.js';
import { type UnpackRequest, unpackLayer } from '../../../../src/image/layer/unpack-layer.js';
import { needs } from '../../../skips.js';
import { makeFixtureTree } from './fixture-tree.js';
import { listTree } from './tree-list.js';

let folder = '';
const at = (...names: string[]) => join(folder, ...names);
const isRoot = process.getuid?.() === 0;

beforeEach((context) => {
  needs(context, 'root', isRoot);
  needs(context, 'attr', findProgram('getfattr') !== undefined);
  folder = mkdtempSync('/var/tmp/vlab-layers');
});
afterEach(() => {
  if (folder) rmSync(folder, { recursive: true, force: true });
  folder = '';
});

async function pack(request: PackRequest, to: string) {
  const { stream, done } = packLayer(request);
  await pipeline(stream, createWriteStream(to));
  return await done;
}

async function unpack(source: string, name: string, more: Partial<UnpackRequest> = {}) {
  mkdirSync(at(name), { recursive: true });
  return await unpackLayer({ source, into: at(name), form: 'overlay', ...more });
}

describe('a layer', () => {
  beforeEach(() => {
    mkdirSync(at('tree'));
    makeFixtureTree(at('tree'));
  });

  it('made by GNU tar is unpacked as GNU tar does it, in every format and compression', async () => {
    const wanted = listTree(at('tree'));
    const formats = [
      ['--format=pax', '--xattrs', '--xattrs-include=*', '-cf'],
      ['--format=pax', '--xattrs', '--xattrs-include=*', '-S', '-czf'],
      ['--format=pax', '--xattrs', '--xattrs-include=*', '-S', '--sparse-version=0.1', '-cJf'],
      ['--format=pax', '--xattrs', '--xattrs-include=*', '--zstd', '-cf'],
      ['--format=pax', '--xattrs', '--xattrs-include=*', '-cjf'],
    ];
    for (const [index, words] of formats.entries()) {
      execFileSync('tar', ['-C', at('tree'), '--numeric-owner', ...words, at('layer'), '.']);
      const unpacked = await unpack(at('layer'), `unpacked-${index}`);
      expect(listTree(at(`unpacked-${index}`))).toEqual(wanted);
      expect(unpacked.leftOut).toEqual([]);
      expect(unpacked.entries).toBe(wanted.length);
    }
    execFileSync('tar', ['-C', at('tree'), '--format=gnu', '-S', '-cf', at('layer'), '.']);
    await unpack(at('layer'), 'gnu');
    const plain = (line: string) => line.split('|').with(4, '').with(9, '').join('|'); // whole seconds, no attributes
    expect(listTree(at('gnu')).map(plain)).toEqual(wanted.map(plain));
  });

  it.each<LayerCompression>(['none', 'gzip', 'zstd'])(
    'packed with %s is read by vlab and by GNU tar, and is the same each time',
    async (compression) => {
      const request: PackRequest = { from: { kind: 'tree', tree: at('tree') }, compression };
      const facts = await pack(request, at('layer'));
      expect(facts).toEqual(await pack(request, at('again')));
      const blob = readFileSync(at('layer'));
      expect(facts.digest).toBe(`sha256:${createHash('sha256').update(blob).digest('hex')}`);
      expect(facts.sizeBytes).toBe(blob.length);
      expect(blob.length).toBeLessThan(4_000_000); // holes are not stored
      const unpacked = await unpack(at('layer'), 'unpacked', { digest: facts.digest, diffId: facts.diffId });
      expect(unpacked.entries).toBe(facts.entries);
      const wanted = listTree(at('tree'));
      expect(listTree(at('unpacked'))).toEqual(wanted);
      mkdirSync(at('by-tar'));
      const words = ['--xattrs', '--xattrs-include=*', '--numeric-owner', '-xpf', at('layer')];
      execFileSync('tar', ['-C', at('by-tar'), ...words]);
      expect(listTree(at('by-tar'))).toEqual(wanted);
      expect(
        Number(execFileSync('du', ['-s', at('unpacked', 'var')], { encoding: 'utf8' }).split('\t')[0]),
      ).toBeLessThan(2000);
    },
  );

  it('has times that end at SOURCE_DATE_EPOCH', async () => {
    const request: PackRequest = {
      from: { kind: 'tree', tree: at('tree') },
      compression: 'gzip',
      clampSeconds: 1_500_100_000,
    };
    const first = await pack(request, at('layer'));
    execFileSync('touch', [at('tree', 'etc/passwd'), at('tree')]);
    const second = await pack(request, at('layer'));
    expect(second.diffId).not.toBe(first.diffId); // it was older than that before
    execFileSync('touch', [at('tree', 'etc/passwd'), at('tree')]);
    expect(await pack(request, at('layer'))).toEqual(second);
    await unpack(at('layer'), 'unpacked');
    const times = listTree(at('unpacked')).map((line) => BigInt(line.split('|')[4] ?? 0));
    expect(times.every((time) => time <= 1_500_100_000_000_000_000n)).toBe(true);
  });

  it('that says what changed turns one tree into the other', async () => {
    execFileSync('cp', ['-a', at('tree'), at('changed')]);
    rmSync(at('changed/etc/shadow'));
    rmSync(at('changed/usr/lib'), { recursive: true });
    rmSync(at('changed/bin'));
    mkdirSync(at('changed/bin'));
    writeFileSync(at('changed/bin/new'), 'new');
    rmSync(at('changed/var/empty'), { recursive: true });
    writeFileSync(at('changed/var/empty'), 'now a file');
    writeFileSync(at('changed/usr/bin/ping'), 'another');
    execFileSync('setfattr', ['-x', 'user.directory', at('changed/usr')]);
    const facts = await pack(
      { from: { kind: 'changes', base: at('tree'), changed: at('changed') }, compression: 'gzip' },
      at('layer'),
    );
    expect(facts.entries).toBeLessThan(20);
    await unpack(at('layer'), 'tree', { form: 'plain' });
    const withoutDirectoryTimes = (line: string) =>
      line.split('|')[1]?.startsWith('4') ? line.split('|').with(4, '').join('|') : line;
    expect(listTree(at('tree')).map(withoutDirectoryTimes)).toEqual(listTree(at('changed')).map(withoutDirectoryTimes));
  });

  it('goes to an overlay and back without a difference', async () => {
    await pack({ from: { kind: 'tree', tree: at('tree') }, compression: 'none' }, at('lower.tar'));
    await unpack(at('lower.tar'), 'lower');
    for (const name of ['upper', 'work', 'merged']) mkdirSync(at(name));
    const options = (lower: string, more = '') => `lowerdir=${lower},redirect_dir=off,metacopy=off${more}`;
    const mount = (words: string) => execFileSync('mount', ['-t', 'overlay', 'overlay', '-o', words, at('merged')]);
    mount(options(at('lower'), `,upperdir=${at('upper')},workdir=${at('work')}`));
    let merged: string[];
    try {
      rmSync(at('merged/etc/passwd'));
      rmSync(at('merged/usr'), { recursive: true });
      mkdirSync(at('merged/usr'));
      writeFileSync(at('merged/usr/file'), 'in an opaque directory');
      writeFileSync(at('merged/etc/shadow'), 'changed');
      merged = listTree(at('merged'));
    } finally {
      execFileSync('umount', [at('merged')]);
    }
    await pack({ from: { kind: 'upper', upper: at('upper') }, compression: 'gzip' }, at('upper.tar.gz'));
    const names = execFileSync('tar', ['-tzf', at('upper.tar.gz')], { encoding: 'utf8' })
      .trim()
      .split('\n');
    expect(names).toEqual(['etc/', 'etc/.wh.passwd', 'etc/shadow', 'usr/', 'usr/.wh..wh..opq', 'usr/file']);
    await unpack(at('upper.tar.gz'), 'second');
    mount(options(`${at('second')}:${at('lower')}`));
    try {
      const withoutRootTime = (lines: string[]) => lines.map((line) => (line.startsWith('.|') ? '.' : line));
      expect(withoutRootTime(listTree(at('merged')))).toEqual(withoutRootTime(merged));
    } finally {
      execFileSync('umount', [at('merged')]);
    }
    await unpack(at('upper.tar.gz'), 'lower', { form: 'plain' });
    expect(listTree(at('lower')).slice(1)).toEqual(merged.slice(1));
  });

  it('is for umoci what it is for vlab', async (context) => {
    needs(context, 'umoci', findProgram('umoci') !== undefined);
    const umoci = (...words: string[]) => execFileSync('umoci', words, { cwd: folder, stdio: 'pipe' });
    umoci('init', '--layout', 'image');
    umoci('new', '--image', 'image:one');
    umoci('unpack', '--image', 'image:one', 'bundle');
    execFileSync('cp', ['-aT', at('tree'), at('bundle/rootfs')]);
    umoci('repack', '--refresh-bundle', '--image', 'image:one', 'bundle');
    rmSync(at('bundle/rootfs/usr/bin'), { recursive: true });
    writeFileSync(at('bundle/rootfs/etc/passwd'), 'changed');
    umoci('repack', '--image', 'image:two', 'bundle');
    const manifest = JSON.parse(
      execFileSync('skopeo', ['inspect', '--raw', `oci:${at('image')}:two`], { encoding: 'utf8' }),
    );
    const config = JSON.parse(
      execFileSync('skopeo', ['inspect', '--config', '--raw', `oci:${at('image')}:two`], { encoding: 'utf8' }),
    );
    expect(manifest.layers).toHaveLength(2);
    for (const [index, { digest }] of manifest.layers.entries()) {
      const source = at('image/blobs/sha256', digest.slice(7));
      await unpack(source, 'plain', { form: 'plain', digest, diffId: config.rootfs.diff_ids[index] });
    }
    umoci('unpack', '--image', 'image:two', 'oracle');
    // umoci's second layer has no entry for etc, whose time umoci puts back and docker does not
    const withoutTime = ['.', 'etc'];
    expect(listTree(at('plain'), { withoutTime })).toEqual(listTree(at('oracle/rootfs'), { withoutTime }));
    // and the other way round: what vlab packs, umoci unpacks
    const facts = await pack({ from: { kind: 'tree', tree: at('plain') }, compression: 'gzip' }, at('layer.tar.gz'));
    execFileSync('gunzip', [at('layer.tar.gz')]);
    umoci('new', '--image', 'image:three');
    umoci('raw', 'add-layer', '--image', 'image:three', 'layer.tar');
    umoci('unpack', '--image', 'image:three', 'third');
    expect(listTree(at('third/rootfs'))).toEqual(listTree(at('plain')));
    expect(listTree(at('plain'))).toHaveLength(facts.entries);
  });
});

describe('a wrong digest', () => {
  it('is an error, of the blob and of what is in it', async () => {
    mkdirSync(at('tree'));
    writeFileSync(at('tree/file'), 'x');
    const facts = await pack({ from: { kind: 'tree', tree: at('tree') }, compression: 'gzip' }, at('layer'));
    const other = `sha256:${'0'.repeat(64)}` as const;
    await expect(unpack(at('layer'), 'a', { digest: other })).rejects.toMatchObject({
      blame: 'input',
      message: expect.stringContaining(facts.digest),
    });
    await expect(unpack(at('layer'), 'b', { diffId: other })).rejects.toMatchObject({
      blame: 'input',
      message: expect.stringContaining(facts.diffId),
    });
  });
});

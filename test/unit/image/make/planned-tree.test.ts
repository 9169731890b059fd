import { describe, expect, it } from 'vitest';
import { TarReader } from '../../../../src/image/layer/tar/reader.js';
import { busyboxTree } from '../../../../src/image/make/busybox-tree.js';
import { sourceDateEpoch } from '../../../../src/image/make/make-image.js';
import { archiveOf, type PlannedFile } from '../../../../src/image/make/planned-tree.js';

const bytesOf = (files: readonly PlannedFile[], seconds = 1000) => Buffer.concat([...archiveOf(files, seconds)]);

function entriesIn(bytes: Buffer) {
  const reader = new TarReader(1 << 20);
  const entries = reader.push(bytes).flatMap((event) => (event.kind === 'entry' ? [event.entry] : []));
  reader.finish();
  return entries;
}

describe('a planned tree', () => {
  it('gives the same bytes in whatever order it is listed', () => {
    const files = busyboxTree(Buffer.from('program'), ['sh', 'ls', 'busybox', 'env']);
    expect(bytesOf([...files].reverse())).toEqual(bytesOf(files));
    expect(bytesOf(files, 1001)).not.toEqual(bytesOf(files));
  });

  it('has directories before what is in them, and hard links behind their file', () => {
    const entries = entriesIn(bytesOf(busyboxTree(Buffer.from('program'), ['sh', 'ash', 'busybox', 'env'])));
    const paths = entries.map(({ path }) => path.replace(/^\.\/$/, '').replace(/\/$/, ''));
    for (const [index, path] of paths.entries()) {
      const parent = path.includes('/') ? path.slice(0, path.lastIndexOf('/')) : '';
      expect(paths.slice(0, index + 1)).toContain(parent);
    }
    const links = entries.filter(({ type }) => type === 'hard-link');
    expect(links.map(({ path }) => path)).toEqual(['bin/ash', 'bin/env', 'bin/sh']);
    for (const { linkPath } of links) expect(linkPath).toBe('bin/busybox');
    expect(entries.find(({ path }) => path === 'tmp/')?.mode).toBe(0o1777);
    expect(entries.every(({ uid, gid, mtime }) => uid === 0 && gid === 0 && mtime.seconds === 1000)).toBe(true);
  });
});

describe('SOURCE_DATE_EPOCH', () => {
  it('is a number of seconds, or a moment that does not move', () => {
    expect(sourceDateEpoch('1700000000')).toBe(1_700_000_000);
    expect(sourceDateEpoch(undefined)).toBe(sourceDateEpoch(''));
    for (const text of ['yesterday', '-1', '1.5', '1e9'])
      expect(() => sourceDateEpoch(text)).toThrow(/no number of seconds/);
  });
});

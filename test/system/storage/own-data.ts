/** A data directory of a test's own. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach } from 'vitest';

/** For every test of a file; gives the data directory's path. */
export function withOwnData(): () => string {
  const before: Record<string, string | undefined> = {};
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'vlab-data-'));
    before.VLAB_DATA_DIR = process.env.VLAB_DATA_DIR;
    process.env.VLAB_DATA_DIR = folder;
  });
  afterEach(() => {
    const { VLAB_DATA_DIR: old } = before;
    if (old === undefined) delete process.env.VLAB_DATA_DIR;
    else process.env.VLAB_DATA_DIR = old;
    rmSync(folder, { recursive: true, force: true });
  });
  return () => folder;
}

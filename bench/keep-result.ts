/** Where benches leave their figures: docs/bench/ and the table in docs/promises.md. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, release } from 'node:os';
import { join } from 'node:path';
import { packageRoot } from '../src/base/paths.js';
import { replaceBetween } from './promises.js';

/** `name` is the npm script, and the marker in docs/promises.md. */
export function keepResult(name: string, file: string, result: object, markdown: string): void {
  const docs = join(packageRoot(), 'docs');
  const promises = join(docs, 'promises.md');
  const page = replaceBetween(readFileSync(promises, 'utf8'), name, markdown);
  mkdirSync(join(docs, 'bench'), { recursive: true });
  writeFileSync(join(docs, 'bench', file), `${JSON.stringify(result, undefined, 1)}\n`);
  writeFileSync(promises, page);
}

/** The machine in general words: `2 CPUs, Linux 6.1.0, Node 20.19.0`. What comes behind a kernel's numbers is its packager's. */
export function machineWords(): string {
  const kernel = /^\d+(\.\d+)*/.exec(release())?.[0] ?? release();
  return `${cpus().length} CPUs, Linux ${kernel}, Node ${process.versions.node}`;
}

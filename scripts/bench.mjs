// `npm run bench` (start), `npm run bench:containers` (containers), `npm run bench:steps` (steps) and `npm run bench:micro` (micro): builds vlab if it is stale, bundles bench/ and runs it.
// Words behind `--` are the bench's: npm run bench -- --blocks 20 --only floor,launcher --no-write
import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { isBuilt } from './is-built.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const bundle = join(root, `.dist-bench-${process.pid}`);
// Measured children must not pay for what this environment puts on every Node start; nor should the bench itself.
const { NODE_EXTRA_CA_CERTS: _scrubbed, ...environment } = process.env;

if (!isBuilt(root)) run('scripts/build.mjs');
mkdirSync(bundle);
try {
  await build({
    absWorkingDir: root,
    entryPoints: ['bench/main.ts'],
    outdir: bundle,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    splitting: true,
    packages: 'external',
    format: 'esm',
    platform: 'node',
    target: 'node20',
    logLevel: 'warning',
  });
  run(join(bundle, 'main.mjs'), ...process.argv.slice(2));
} finally {
  rmSync(bundle, { recursive: true, force: true });
}

/** @param {string} script @param {...string} words */
function run(script, ...words) {
  const { status } = spawnSync(process.execPath, [script, ...words], { cwd: root, stdio: 'inherit', env: environment });
  if (status !== 0) process.exitCode = status ?? 1;
}

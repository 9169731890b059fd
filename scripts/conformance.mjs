// `npm run conformance`: the runtime conformance suite on vlab-oci, runc and crun side by side; prints the table. Words behind
// `--` are the suite's: npm run conformance -- --runtime vlab-oci --only 'config.md#root' | --write (docs/conformance.md)
import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { isBuilt } from './is-built.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const bundle = join(root, `.dist-conformance-${process.pid}`);

if (!isBuilt(root)) run('scripts/build.mjs');
mkdirSync(bundle);
try {
  await build({
    absWorkingDir: root,
    entryPoints: ['test/conformance/oci/main.ts'],
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
  const { status } = spawnSync(process.execPath, [script, ...words], { cwd: root, stdio: 'inherit' });
  if (status !== 0) process.exitCode = status ?? 1;
}

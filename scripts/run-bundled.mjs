// Builds vlab if it is stale, bundles TypeScript that is no part of it, and runs that with the words of this command.
import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { isBuilt } from './is-built.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

/**
 * @param {string} entry a folder whose main.ts is run
 * @param {NodeJS.ProcessEnv} [environment]
 */
export async function runBundled(entry, environment = process.env) {
  /** @param {string} script @param {...string} words */
  const run = (script, ...words) => {
    const { status } = spawnSync(process.execPath, [script, ...words], {
      cwd: root,
      stdio: 'inherit',
      env: environment,
    });
    if (status !== 0) process.exitCode = status ?? 1;
  };
  const bundle = join(root, `.dist-${entry.replaceAll('/', '-')}-${process.pid}`);
  if (!isBuilt(root)) run('scripts/build.mjs');
  mkdirSync(bundle);
  try {
    await build({
      absWorkingDir: root,
      entryPoints: [`${entry}/main.ts`],
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
}

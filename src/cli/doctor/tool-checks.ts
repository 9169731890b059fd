import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from '../../base/exec.js';
import { lastLine } from '../../host/attempt.js';
import { installLineHere, type Need } from '../../host/distribution.js';
import type { Check, Finding } from './check.js';

/** Programs that comparisons, benchmarks and tests use when they are there. Each is really run. */
export function toolChecks(): Check[] {
  return [
    tool('bubblewrap', 'bubblewrap', () => run('bwrap', ['--ro-bind', '/', '/', '--unshare-pid', 'true'])),
    tool('crun', 'crun', () => run('crun', ['--version'])),
    tool('hyperfine', 'hyperfine', () => run('hyperfine', ['-N', '--runs', '1', '--style', 'none', 'true'])),
    tool('busybox', 'static busybox', () => run('busybox', ['echo', 'works'])),
    tool('chromium', 'Chromium, for looking at reports in tests', tryChromium),
  ];
}

function tool(
  need: Need,
  title: string,
  tryIt: () => Promise<{ exitCode: number; stdout: string; stderr: string }>,
): Check {
  return {
    id: `tool.${need}`,
    title,
    needed: false,
    try: async (): Promise<Finding> => {
      const mend = installLineHere(need);
      try {
        const { exitCode, stdout, stderr } = await tryIt();
        if (exitCode === 0) return { works: true, detail: stdout.split('\n')[0] || 'runs' };
        return { works: false, detail: lastLine(stderr) || `ended with ${exitCode}`, mend };
      } catch {
        return { works: false, detail: 'not installed', mend };
      }
    },
  };
}

async function tryChromium() {
  const profile = mkdtempSync(join(tmpdir(), 'vlab-chromium-'));
  try {
    const sandbox = process.getuid?.() === 0 ? ['--no-sandbox'] : [];
    return await run('chromium', ['--headless', ...sandbox, `--user-data-dir=${profile}`, '--version']);
  } finally {
    rmSync(profile, { recursive: true, force: true });
  }
}

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Ran, run } from '../../base/exec.js';
import { findProgram } from '../../base/find-program.js';
import { lastLine } from '../../host/attempt.js';
import { installLineHere, type Need } from '../../host/distribution.js';
import type { Check } from './check.js';
import { tryCrun } from './try-crun.js';

interface Tool {
  need: Need;
  title: string;
  /** The command's name, where it is not that of the need. */
  program?: string;
  /** Runs it for real. It works when it ends with 0 and says what is expected. */
  try: () => Promise<Ran>;
  says: RegExp;
}

/** What comparisons, benchmarks and tests use when it is there. */
const TOOLS: Tool[] = [
  {
    need: 'bubblewrap',
    title: 'a program in bubblewrap',
    program: 'bwrap',
    try: () => run('bwrap', ['--ro-bind', '/', '/', '--unshare-pid', 'echo', 'ran']),
    says: /^ran$/,
  },
  { need: 'crun', title: 'a program in crun', try: tryCrun, says: /^hello$/ },
  {
    need: 'hyperfine',
    title: 'hyperfine',
    try: () => run('hyperfine', ['-N', '--runs', '1', '--style', 'basic', 'true']),
    says: /Time/,
  },
  { need: 'busybox', title: 'busybox', try: () => run('busybox', ['echo', 'ran']), says: /^ran$/ },
  { need: 'chromium', title: 'Chromium', try: tryChromium, says: /Chromium/ },
];

export function toolChecks(): Check[] {
  return TOOLS.map((tool) => ({
    id: `tool.${tool.need}`,
    title: tool.title,
    needed: false,
    try: async () => {
      const path = findProgram(tool.program ?? tool.need);
      if (path === undefined) return { works: false, detail: 'not installed', mend: installLineHere(tool.need) };
      const { exitCode, stdout, stderr } = await tool.try();
      if (exitCode === 0 && tool.says.test(stdout)) return { works: true, detail: `ran ${path}` };
      return { works: false, detail: lastLine(stderr) || `it ended with ${exitCode}`, mend: mendOf(path) };
    },
  }));
}

function mendOf(path: string): string {
  return process.getuid?.() === 0 ? `see what ${path} says when it is run by hand` : 'run it with sudo';
}

/** Only its version: a page takes seconds, and the tests open some. */
async function tryChromium(): Promise<Ran> {
  const profile = mkdtempSync(join(tmpdir(), 'vlab-chromium-'));
  try {
    const sandbox = process.getuid?.() === 0 ? ['--no-sandbox'] : [];
    return await run('chromium', ['--headless', ...sandbox, `--user-data-dir=${profile}`, '--version']);
  } finally {
    rmSync(profile, { recursive: true, force: true });
  }
}

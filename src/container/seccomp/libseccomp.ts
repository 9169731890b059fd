/** libseccomp as far as a filter is made by it: asked when a profile is compiled for the first time (bin/vlab-libseccomp.cjs). */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { messageOf, VlabError } from '../../base/errors.js';
import { packageRoot } from '../../base/paths.js';

/** What the library is asked for, in JSON. */
export interface LibraryRequest {
  /** SCMP_ACT_… */
  defaultAction: number;
  /** Beside the native one; names in lower case. */
  architectures: string[];
  /** Tests: index, enum scmp_compare, and two values as decimal text. */
  rules: { action: number; name: string; tests: [number, number, string, string][] }[];
}

export interface LibraryAnswer {
  /** struct sock_filter[], base64. */
  program: string;
  /** Names of calls that the library does not have. */
  unknownCalls: string[];
  /** The greatest number of a call that it knows, by architecture (AUDIT_ARCH_…). */
  greatest: Record<string, number>;
}

export interface LibraryRefusal {
  refused: { errno: number; part: 'defaultAction' | 'architectures' | 'rules' | 'program'; place?: number };
}

export type AskLibrary = (request: LibraryRequest) => Promise<LibraryAnswer | LibraryRefusal | 'endless'>;

/** The largest profiles take some tens of milliseconds. */
const TIMEOUT_MS = 10_000;
const MAX_ANSWER_BYTES = 8 << 20;

/** `endless`: the library did not come to an end. Error (`host`): it is not installed. */
export const askLibrary: AskLibrary = (request) => asked<LibraryAnswer | LibraryRefusal>(request);

/** Those of the architectures (names in lower case) that this library has. Error (`host`): it is not installed. */
export async function knownArchitectures(names: readonly string[]): Promise<string[]> {
  const answer = await asked<{ known: string[] }>({ isKnown: names });
  return answer === 'endless' ? [] : answer.known;
}

async function asked<Answer extends object>(request: object): Promise<Answer | 'endless'> {
  const said = await new Promise<string | 'endless'>((resolve, reject) => {
    const script = join(packageRoot(), 'bin/vlab-libseccomp.cjs');
    const options = {
      timeout: TIMEOUT_MS,
      killSignal: 'SIGKILL',
      maxBuffer: MAX_ANSWER_BYTES,
      cwd: '/',
      env: {},
    } as const;
    const child = execFile(process.execPath, [script], options, (error, stdout) => {
      if (!error) resolve(stdout);
      else if (error.killed) resolve('endless');
      else reject(new VlabError('operation', `libseccomp failed: ${messageOf(error)}`, { cause: error }));
    });
    child.stdin?.on('error', () => {}); // it has ended: its exit tells
    child.stdin?.end(JSON.stringify(request));
  });
  if (said === 'endless') return said;
  const answer = JSON.parse(said) as Answer | { missing: string };
  if (!('missing' in answer)) return answer;
  throw new VlabError('host', 'libseccomp, which compiles system-call filters, cannot be loaded', {
    cause: new Error(answer.missing),
    hint: 'install it (Debian: libseccomp2), or run without a filter: vlab run --seccomp unconfined',
  });
}

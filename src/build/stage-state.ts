/** What a stage has become after some of its instructions: the configuration, and the variables that words may name. Pure. */
import type { ImageRunConfig } from '../image/config.js';
import type { Expansion } from './dockerfile/words.js';

/** Without these there is no shell to run. */
export const DEFAULT_SHELL = ['/bin/sh', '-c'];
export const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** Known without an ARG, in RUN only, and not part of the image or of a cache key (docs.docker.com, "Predefined ARGs"). */
const PROXIES = ['HTTP_PROXY', 'HTTPS_PROXY', 'FTP_PROXY', 'NO_PROXY', 'ALL_PROXY'];
export const PREDEFINED_ARGS: ReadonlySet<string> = new Set([...PROXIES, ...PROXIES.map((name) => name.toLowerCase())]);

export interface StageState {
  config: ImageRunConfig;
  author?: string;
  /** Declared in the stage, in order. Undefined: declared without a value. */
  args: ReadonlyMap<string, string | undefined>;
  shell: readonly string[];
  /** CMD stood in this stage: an ENTRYPOINT after it does not take it away. */
  hasOwnCommand: boolean;
}

export function beginStage(base: ImageRunConfig): StageState {
  const { OnBuild: _, ...config } = base;
  return { config: { ...config }, args: new Map(), shell: base.Shell ?? DEFAULT_SHELL, hasOwnCommand: false };
}

/** `NAME=VALUE` as a map, in order. */
export function envOf({ Env = [] }: ImageRunConfig): Map<string, string> {
  return new Map(Env.map((each) => [each.replace(/=.*$/s, ''), each.replace(/^[^=]*=?/s, '')]));
}

/** ENV goes before ARG. */
export function expansionOf({ config, args }: StageState, escapeSign: string): Expansion {
  const env = envOf(config);
  return { escapeSign, valueOf: (name) => env.get(name) ?? args.get(name) };
}

/** The variables of ARG that a RUN sees, without those that ENV has. */
export function runArgs({ config, args }: StageState): [string, string][] {
  const env = envOf(config);
  return [...args].filter((entry): entry is [string, string] => entry[1] !== undefined && !env.has(entry[0]));
}

export function withEnv(config: ImageRunConfig, pairs: readonly [string, string][]): ImageRunConfig {
  const env = envOf(config);
  for (const [name, value] of pairs) env.set(name, value);
  return { ...config, Env: [...env].map(([name, value]) => `${name}=${value}`) };
}

/** The program of a container as steps (execve(2)). Pure. */
import type { PlanBuilder, StepOptions } from '../../sys/plan.js';
import type { OciConfig } from '../config/schema.js';

/**
 * execve; a name without a slash is tried in each directory of PATH, as execvp(3) does, but from within the container: no
 * look-up on the host could be trusted.
 */
export function execProgram(b: PlanBuilder, config: OciConfig): void {
  const { args, env } = config.process;
  const name = args[0] ?? '';
  const path = env.find((entry) => entry.startsWith('PATH='))?.slice('PATH='.length) ?? '';
  const candidates = name.includes('/') ? [name] : path.split(':').map((directory) => `${directory || '.'}/${name}`);
  const argv = b.stringArray(args, 'argv');
  const envp = b.stringArray(env, 'envp');
  const hint = `look for ${name} in ${config.root.path}: it must exist there, be executable, and find its interpreter`;
  candidates.forEach((candidate, index) => {
    const last = index === candidates.length - 1;
    const options: StepOptions = last ? { hint } : { hint, tolerate: ['ENOENT', 'ENOTDIR'] };
    b.step('execve', [b.str(candidate), argv, envp], `run ${candidate}`, options);
  });
}

/** Whole commands timed by the launcher's performer: Node spawns and stamps nothing. */
import { readFileSync, rmSync } from 'node:fs';
import { VlabError } from '../../src/base/errors.js';
import { launched } from '../../src/drivers/launched.js';
import { execHost, observedPlan } from '../../src/drivers/observe.js';
import { hostArch } from '../../src/sys/abi.js';
import { ENVIRONMENT } from '../start-arms.js';
import type { PartContext } from './part.js';
import type { Runtime } from './runtimes.js';

export interface Timer extends AsyncDisposable {
  /** Runs `runtime` with these words and returns the time from its exec to its end, ns. Error: it did not end with 0. */
  time(runtime: Runtime, words: readonly string[]): Promise<number>;
}

export async function openTimer({ scratchDir, rootfs }: PartContext): Promise<Timer> {
  let next: { runtime: Runtime; words: readonly string[] } | undefined;
  const prepared = await launched({
    job: { rootfs, command: ['/probe'], env: {}, limits: {}, ready: 'exit', scratchDir, options: {} },
    compile: (_id, files) => ({
      plan: observedPlan(
        hostArch(),
        (b, stamps) => ({
          peer: true,
          exec() {
            if (!next) throw new RangeError('no command to time');
            const { runtime, words } = next;
            runtime.prepare?.(b);
            stamps.stamp('exec', 'the command is about to run');
            execHost(b, runtime.path, [runtime.name, ...runtime.words, ...words], runtime.env ?? ENVIRONMENT);
          },
        }),
        files,
      ),
    }),
  });
  return {
    async time(runtime, words) {
      next = { runtime, words };
      await using instance = await prepared.start(AbortSignal.timeout(60_000));
      const exit = await instance.wait();
      const said = readFileSync(instance.stderrPath, 'utf8').trim();
      for (const path of [instance.stdoutPath, instance.stderrPath]) rmSync(path);
      if (exit.code !== 0) throw new VlabError('operation', `${runtime.name} ${words.join(' ')} failed: ${said}`);
      const { exec = 0n, exited = 0n } = instance.checkpoints;
      return Number(exited - exec);
    },
    [Symbol.asyncDispose]: () => prepared[Symbol.asyncDispose](),
  };
}

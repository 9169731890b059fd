/** The life of the keeper's process. */
import { VlabError } from '../../base/errors.js';
import { Keeper } from './keep-containers.js';
import { forgetKeeper, runningKeeper, withKeeper, writeKeeper } from './keeper-place.js';

/**
 * `service`: somebody else starts and ends it, so it stays without work. Error (`operation`): there is another one. Resolves when
 * there is no work left, or at SIGTERM and SIGINT.
 */
export async function runKeeper({ service }: { service: boolean }): Promise<void> {
  const stop = new AbortController();
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => stop.abort());
  await withKeeper(async () => {
    const running = runningKeeper();
    if (running && running.process.pid !== process.pid) {
      throw new VlabError('operation', `a keeper runs already, with pid ${running.process.pid}`, {
        hint: '`vlab keeper stop` ends it',
      });
    }
    writeKeeper(process.pid, service);
  });
  const keeper = new Keeper(stop.signal, (line) => process.stderr.write(`${line}\n`));
  await keeper.afterBoot();
  await keeper.run(async (isIdle) => {
    if (service) return false;
    // Whoever starts a container first writes that down and then asks with this lock whether there is a keeper.
    return withKeeper(async () => {
      if (!isIdle()) return false;
      forgetKeeper();
      return true;
    });
  });
}

/** What `stop` and `restart` share: how containers are asked to end, and that they are asked side by side. */
import { Flags } from '@oclif/core';
import type { Stop } from '../engine/life/signal-container.js';
import { eachContainer, SIDE_BY_SIDE } from './each-container.js';

export const STOPPING_FLAGS = {
  signal: Flags.string({
    char: 's',
    description: "signal to send; default: the container's, TERM where it has none",
  }),
  timeout: Flags.integer({
    char: 't',
    aliases: ['time'],
    helpValue: 'SECONDS',
    description: "seconds until it is killed, -1: never; default: the container's, or 10",
  }),
};

/** `act` gets a container's id. Returns the names as they were given. */
export async function eachStopping(
  named: readonly string[],
  { signal, timeout }: { signal?: string | undefined; timeout?: number | undefined },
  act: (id: string, how: Stop) => Promise<unknown>,
  log: (line: string) => void,
): Promise<string[]> {
  const { findContainerId } = await import('../engine/record/find-container.js');
  const one = async (text: string) => {
    await act(findContainerId(text), { signal, timeoutS: timeout });
    return text;
  };
  return eachContainer(named, one, log, SIDE_BY_SIDE);
}

/** The flags of `update` (docker-update(1)), and what they ask for. */
import type { Interfaces } from '@oclif/core';
import { refuse } from '../../engine/define/asked-error.js';
import type { ContainerResources, RestartPolicy } from '../../engine/define/definition-parts.js';
import { text } from './flag.js';
import { UPDATE_RESOURCE_FLAGS } from './resource-flags.js';
import { readResources, readRestart } from './resources.js';

export const UPDATE_FLAGS = {
  ...UPDATE_RESOURCE_FLAGS,
  restart: text('no, always, unless-stopped, on-failure[:TIMES]', { value: 'POLICY' }),
};

export type UpdateFlags = Partial<Interfaces.InferredFlags<typeof UPDATE_FLAGS>>;

export interface AskedUpdate {
  /** Only what was asked for. */
  resources: ContainerResources;
  restart?: RestartPolicy;
}

/** Error (`input`): nothing is to be changed. */
export function readUpdate(flags: UpdateFlags): AskedUpdate {
  const resources = readResources(flags);
  const restart = flags.restart === undefined ? undefined : readRestart(flags.restart);
  if (Object.keys(resources).length === 0 && restart === undefined) {
    throw refuse('you must provide one or more flags when using this command', 'vlab update --memory 64m CONTAINER');
  }
  return { resources, ...(restart === undefined ? {} : { restart }) };
}

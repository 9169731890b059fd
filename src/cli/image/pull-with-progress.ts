/** Pulls as `vlab pull` does, for every command that may need an image that is not here. */
import type { PullEvent, Pulled, PullOptions } from '../../image/pull-image.js';
import { type LayerLine, layerProgress } from './layer-progress.js';

const WORDS = { waiting: 'Pulling fs layer', present: 'Already exists', done: 'Pull complete', moving: 'Downloading' };

export interface ShownPull extends Omit<PullOptions, 'progress'> {
  /** Where the layers are shown; absent: nowhere. */
  output?: NodeJS.WriteStream | undefined;
}

/** Errors: those of pullImage. */
export async function pullWithProgress(text: string, { output, ...options }: ShownPull): Promise<Pulled> {
  const { pullImage } = await import('../../image/pull-image.js');
  if (!output) return await pullImage(text, options);
  const { familiarRepository, parseReference } = await import('../../image/reference.js');
  using lines = layerProgress(output);
  const progress = (event: PullEvent) => {
    if (event.kind === 'layer') return lines.show(lineOf(event));
    const reference = parseReference(event.reference);
    const tag = reference.digest ?? reference.tag;
    const isHub = reference.domain === 'docker.io';
    output.write(`${tag}: Pulling from ${isHub ? reference.path : familiarRepository(reference)}\n`);
  };
  return await pullImage(text, { ...options, progress });
}

function lineOf(event: Extract<PullEvent, { kind: 'layer' }>): LayerLine {
  const { descriptor, state } = event;
  return { descriptor, words: WORDS[state], ...(event.state === 'moving' && { doneBytes: event.doneBytes }) };
}

/** `--change` of import and commit: instructions of a Dockerfile that say something of the configuration alone. Pure. */
import { VlabError } from '../base/errors.js';
import type { ImageRunConfig } from '../image/config.js';
import { applyInstruction } from './apply-instruction.js';
import { splitDockerfile } from './dockerfile/lines.js';
import { parseInstruction } from './dockerfile/parse-instruction.js';
import { beginStage } from './stage-state.js';

/** Those that docker takes. */
const ALLOWED = new Set(
  'CMD ENTRYPOINT ENV EXPOSE HEALTHCHECK LABEL ONBUILD STOPSIGNAL USER VOLUME WORKDIR'.split(' '),
);
const WHERE = '--change';

/** Error (`input`): an instruction that is none, or that would need a file system. */
export function applyChanges(changes: readonly string[], config: ImageRunConfig): ImageRunConfig {
  const { lines, escapeSign } = splitDockerfile(changes.join('\n'), WHERE);
  const around = { file: WHERE, escapeSign, argValue: () => undefined, proxies: [] };
  const { OnBuild } = config;
  let state = beginStage(config);
  if (OnBuild) state = { ...state, config: { ...state.config, OnBuild } };
  for (const line of lines) {
    const instruction = parseInstruction(line, WHERE, escapeSign);
    if (!ALLOWED.has(instruction.kind)) {
      throw new VlabError('input', `${instruction.kind.toLowerCase()} is not a valid change command`, { exitCode: 1 });
    }
    state = applyInstruction(instruction, state, around).state;
  }
  return state.config;
}

import { dockerfileFault } from './fault.js';
import type { Dockerfile, InstructionOf, Stage } from './instruction.js';
import { type LogicalLine, splitDockerfile } from './lines.js';
import { parseInstruction, splitInstruction } from './parse-instruction.js';

/** `file`: its name in messages. Error (`input`): file, line, and what is wrong. Pure. */
export function parseDockerfile(source: string, file: string): Dockerfile {
  const { escapeSign, lines } = splitDockerfile(source, file);
  const args: InstructionOf<'ARG'>[] = [];
  const stages: Stage[] = [];
  for (const logical of lines) {
    const stage = stages.at(-1);
    if (/^FROM(?:\s|$)/i.test(logical.text)) {
      stages.push(parseFrom(logical, file, stages));
      continue;
    }
    const instruction = parseInstruction(logical, file, escapeSign);
    if (stage) stage.instructions.push(instruction);
    else if (instruction.kind === 'ARG') args.push(instruction);
    else
      throw dockerfileFault(
        file,
        logical.line,
        `no build stage in current context: ${instruction.kind} stands before FROM`,
      );
  }
  if (stages.length === 0) {
    throw dockerfileFault(
      file,
      1,
      'there is no FROM in it',
      'begin it with the image that it builds upon: FROM busybox',
    );
  }
  return { file, escapeSign, args, stages };
}

function parseFrom(logical: LogicalLine, file: string, before: readonly Stage[]): Stage {
  const { line } = logical;
  const { flags, rest } = splitInstruction(logical, file);
  const words = rest.split(/\s+/).filter(Boolean);
  const [base, as, name] = words;
  const isShort = words.length === 1;
  if (base === undefined || !(isShort || (words.length === 3 && as?.toUpperCase() === 'AS'))) {
    throw dockerfileFault(
      file,
      line,
      'FROM requires either one or three arguments',
      'write FROM image, or FROM image AS name',
    );
  }
  if (name !== undefined && !/^[a-z][a-z0-9-_.]*$/i.test(name)) {
    throw dockerfileFault(
      file,
      line,
      `invalid name for build stage: "${name}", name can't start with a number or contain symbols`,
    );
  }
  if (name !== undefined && before.some((stage) => stage.name === name.toLowerCase())) {
    throw dockerfileFault(file, line, `duplicate name ${name}`);
  }
  const platform = flags.get('platform')?.[0];
  return {
    line,
    base,
    instructions: [],
    ...(platform !== undefined && { platform }),
    ...(name !== undefined && { name: name.toLowerCase() }),
  };
}

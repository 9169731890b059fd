/** `--format`: Go's text/template as docker's users write it, on values of ours. Pure. */
import { VlabError } from '../../base/errors.js';
import { evaluateTemplate } from './template/evaluate.js';
import { FUNCTIONS, type TemplateFunction } from './template/functions.js';
import { parseTemplate } from './template/parse.js';
import { TemplateFault } from './template/scan.js';
import { typeName as goType } from './template/values.js';

export interface TemplateOptions {
  /** What the messages begin with: docker's lists say `failed to parse template` and `failed to execute template`. */
  parseComplaint?: string;
  evaluateComplaint?: string;
  /** The Go type of the structures that it will see; without one a field that is missing is told of as docker's inspect does. */
  typeName?: string;
  functions?: ReadonlyMap<string, TemplateFunction>;
}

const COMPLAINT = 'template parsing error';

/**
 * The template as a function of what it shows (template/values.ts says how Go's types are told apart). Error (`input`) of both,
 * in Go's words: a mistake in the template (exit code 64), or a field that is not there (1).
 */
export function compileTemplate(source: string, options: TemplateOptions = {}): (data: unknown) => string {
  const { parseComplaint = COMPLAINT, evaluateComplaint = COMPLAINT, typeName, functions = FUNCTIONS } = options;
  const missingField = (name: string) =>
    typeName === undefined ? `map has no entry for key "${name}"` : `can't evaluate field ${name} in type ${typeName}`;
  const fieldOfValue = (name: string, value: unknown) =>
    `can't evaluate field ${name} in type ${typeName === undefined ? 'interface {}' : goType(value)}`;
  const surroundings = { functions, missingField, fieldOfValue };
  const nodes = told(
    () => parseTemplate(source, new Set(functions.keys())),
    ({ at, message }) => failure(`${parseComplaint}: template: :${placeOf(source, at).line}: ${message}`, 64),
  );
  return (data) =>
    told(
      () => evaluateTemplate(nodes, data, surroundings),
      ({ at, message }) => {
        const { line, column } = placeOf(source, at);
        return failure(`${evaluateComplaint}: template: :${line}:${column}: ${message}`, 1);
      },
    );
}

function told<T>(work: () => T, tell: (fault: TemplateFault) => VlabError): T {
  try {
    return work();
  } catch (fault) {
    throw fault instanceof TemplateFault ? tell(fault) : fault;
  }
}

/** The line from 1 and the bytes before the place on it. */
function placeOf(source: string, at: number): { line: number; column: number } {
  const before = source.slice(0, at);
  return {
    line: before.split('\n').length,
    column: Buffer.byteLength(before.slice(before.lastIndexOf('\n') + 1)),
  };
}

function failure(message: string, exitCode: number): VlabError {
  return new VlabError('input', message, { exitCode });
}

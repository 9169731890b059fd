import { goJson } from './template/values.js';
import { compileTemplate } from './template.js';

/** What `--format` makes of one document: `json`, or a Go template. Error (`input`): the template is none, or names what is not there. */
export function formatDocument(document: object, format: string): string {
  return format === 'json' ? goJson(document) : compileTemplate(format)(document);
}

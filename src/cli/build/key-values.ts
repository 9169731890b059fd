import { VlabError } from '../../base/errors.js';

/** `NAME=VALUE`; a NAME alone has the value of `env`, or `''` in labels. Error (`input`): no name. */
export function keyValues(flag: string, texts: readonly string[], env: NodeJS.ProcessEnv): [string, string][] {
  return texts.flatMap((text): [string, string][] => {
    const at = text.indexOf('=');
    const key = at < 0 ? text : text.slice(0, at);
    if (key === '') throw new VlabError('input', `${flag} ${text}: the name is missing`);
    if (at >= 0) return [[key, text.slice(at + 1)]];
    const known = flag === '--label' ? '' : env[key];
    return known === undefined ? [] : [[key, known]];
  });
}

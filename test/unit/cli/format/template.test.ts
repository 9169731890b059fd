import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { VlabError } from '../../../../src/base/errors.js';
import { asMap } from '../../../../src/base/go-map.js';
import { compileTemplate } from '../../../../src/cli/format/template.js';

const show = (template: string, data: unknown) => compileTemplate(template)(data);

describe('a template', () => {
  it('gives back any text that has no action', () => {
    fc.assert(
      fc.property(
        fc.string().filter((text) => !text.includes('{{')),
        (text) => show(text, {}) === text,
      ),
    );
  });

  it('gives back any string that it is given as a constant or in a field', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        expect(show(`{{${JSON.stringify(text)}}}`, {})).toBe(text);
        expect(show('{{.A}}', { A: text })).toBe(text);
        expect(JSON.parse(show('{{json .}}', { A: text }))).toEqual({ A: text });
      }),
    );
  });

  it('compares as numbers compare', () => {
    fc.assert(
      fc.property(fc.integer(), fc.integer(), (a, b) => {
        const said = show('{{lt .A .B}} {{le .A .B}} {{eq .A .B}} {{ne .A .B}} {{gt .A .B}} {{ge .A .B}}', {
          A: a,
          B: b,
        });
        expect(said).toBe([a < b, a <= b, a === b, a !== b, a > b, a >= b].join(' '));
      }),
    );
  });

  it('fails with a message of its own on anything else', () => {
    const pieces = [
      '{{',
      '}}',
      '.A',
      ' ',
      '|',
      '(',
      ')',
      '"x"',
      'if',
      'end',
      'range',
      '$x',
      ':=',
      'len',
      '-',
      '3',
      'else',
    ];
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...pieces), { maxLength: 12 }), (words) => {
        try {
          show(words.join(''), { A: ['x'] });
        } catch (error) {
          expect(error).toBeInstanceOf(VlabError);
        }
      }),
      { numRuns: 2000 },
    );
  });

  it('does not reach what every object of JavaScript has', () => {
    for (const name of ['constructor', 'toString', '__proto__', 'hasOwnProperty']) {
      expect(() => show(`{{.${name}}}`, { A: 1 })).toThrow('map has no entry');
      expect(show(`{{.M.${name}}}`, { M: asMap({ a: 1 }) })).toBe('<no value>');
      expect(show(`{{index .M "${name}"}}`, { M: asMap({ a: 'x' }) })).toBe('');
    }
  });

  it('ends, whatever it repeats', () => {
    expect(() => show('{{range 9999999}}x{{end}}', {})).toThrow('too long');
    expect(show('{{printf "%999999999d" 1}}', {}).length).toBeLessThan(20_000);
  });
});

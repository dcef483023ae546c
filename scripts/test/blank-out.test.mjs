// biome-ignore-all lint/suspicious/noTemplateCurlyInString: what is tested is source text.
import { expect, test } from 'vitest';
import { blankOut } from '../tidy/blank-out.mjs';

/** What is left of `source`, with runs of spaces as one. */
const left = (/** @type {string} */ source) => blankOut(source).replaceAll(/ +/g, ' ').trim();

test('length and lines stay', () => {
  const source = 'a /* b\nc */ d // e\n`f\n${g}`';
  expect(blankOut(source)).toHaveLength(source.length);
  expect(blankOut(source).split('\n')).toHaveLength(source.split('\n').length);
});

test.each([
  ['comments', "a // 'b' `c\nd /* e ' */ f", 'a \nd f'],
  ['strings, with quotes in them', `a('b\\'c', "d'e"); f`, `a(' ', " "); f`],
  ['comments in strings', "a('// b'); c('/* d'); e", "a(' '); c(' '); e"],
  [
    'templates, but not what they compute',
    '`a ${b + `c ${d} e`} f` + g',
    '` ${b + ` ${d} `} ` + g',
  ],
  [
    'templates that compute with braces',
    '`a ${f({ b: { c } })} d` + e',
    '` ${f({ b: { c } })} ` + e',
  ],
  ['a dollar that computes nothing', '`$a $$ ${b}`', '` ${b}`'],
  ['regular expressions, with quotes in them', "a = /'[/'\"]/g; b", 'a = / g; b'],
  ['regular expressions after a word', "return /'/.test(a)", 'return / /.test(a)'],
  ['divisions, which are not regular expressions', "a / b / c + 'd'", "a / b / c + ' '"],
  ['divisions after a parenthesis', "(a) / 2; '/'", "(a) / 2; ' '"],
])('hides %s', (_, source, expected) => {
  expect(left(source)).toBe(expected);
});

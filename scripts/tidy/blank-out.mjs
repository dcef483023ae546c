/** The pieces of TypeScript that can hide code, or look like it. */
const COMMENT = /\/\/[^\n]*|\/\*[\s\S]*?\*\//y;
const STRING = /'(?:\\[\s\S]|[^'\\\n])*'|"(?:\\[\s\S]|[^"\\\n])*"/y;
const TEMPLATE_CHUNK = /[`}](?:\\[\s\S]|\$(?!\{)|[^`\\$])*(?:`|\$\{)/y;
const REGULAR_EXPRESSION = /\/(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n[])+\/[a-z]*/y;
const WORD = /[\w$]+/y;

/** After one of these a slash begins a regular expression; after anything else it divides. */
const BEFORE_EXPRESSION = /(?:^|[(,=:[!&|?{};+*%<>~^-]|\b(?:return|typeof|case|in|of|yield))$/;
/** Characters of the code so far that tell which of the two it is. */
const LOOK_BACK = 200;

/**
 * The same text, of the same length and in the same lines, with the insides of comments, strings,
 * templates and regular expressions turned to spaces. Quotes stay; what a template computes stays.
 *
 * @param {string} source
 */
export function blankOut(source) {
  let code = '';
  /** For each open template, how many braces its expression has open. */
  const openBraces = /** @type {number[]} */ ([]);
  while (code.length < source.length) code += next();
  return code;

  function next() {
    const comment = take(COMMENT);
    if (comment) return hide(comment);
    const string = take(STRING);
    if (string) return hideInside(string, 1);
    const character = source[code.length];
    if (character === '`' || (character === '}' && openBraces.at(-1) === 0)) return nextChunk();
    const expression = mayBeginExpression() ? take(REGULAR_EXPRESSION) : undefined;
    if (expression) return hideInside(expression, 1);
    if (character === '{' && openBraces.length > 0) openBraces[openBraces.length - 1]++;
    if (character === '}' && openBraces.length > 0) openBraces[openBraces.length - 1]--;
    return take(WORD) ?? character;
  }

  /** A template up to its end, or to the next thing it computes. */
  function nextChunk() {
    const chunk = take(TEMPLATE_CHUNK) ?? source.slice(code.length);
    if (chunk.startsWith('}')) openBraces.pop();
    if (!chunk.endsWith('${')) return hideInside(chunk, 1);
    openBraces.push(0);
    return hideInside(chunk, 2);
  }

  function mayBeginExpression() {
    return BEFORE_EXPRESSION.test(code.slice(-LOOK_BACK).trimEnd());
  }

  /** @param {RegExp} pattern */
  function take(pattern) {
    pattern.lastIndex = code.length;
    return pattern.exec(source)?.[0];
  }
}

/** @param {string} text */
function hide(text) {
  return text.replaceAll(/[^\n]/g, ' ');
}

/**
 * @param {string} text
 * @param {number} tail how many characters at the end stay
 */
function hideInside(text, tail) {
  return text[0] + hide(text.slice(1, -tail)) + text.slice(-tail);
}

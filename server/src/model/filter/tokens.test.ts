import { tokensOf } from './tokens.ts';

test.each([
  ['The quick, brown FOX', ['the', 'quick', 'brown', 'fox']],
  ['größe 5.5m', ['größe', '5', '5m']],
  ['ﬁne ＡＢＣ', ['fine', 'abc']],
  ['分布式 db', ['分', '布', '式', 'db']],
  ['-- !', []],
])('%s', (text, tokens) => {
  expect(tokensOf(text)).toEqual(tokens);
});

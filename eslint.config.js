import tseslint from 'typescript-eslint';

const behindPorts = [
  ['Date', 'Use Clock (base/clock.ts).'],
  ['setTimeout', 'Use Clock.after (base/clock.ts).'],
  ['setInterval', 'Use Clock.every (base/clock.ts).'],
  ['performance', 'Use Clock.nowMs (base/clock.ts).'],
  ['process', 'Only main and config know the process; take what you need as a parameter.'],
].map(([name, message]) => ({ name, message }));

export default tseslint.config(
  {
    ignores: [
      '**/dist/',
      '**/build/',
      '**/node_modules/',
      'data/',
      'bin/',
      'jest.config.js',
      'eslint.config.js',
      '.dependency-cruiser.mjs',
      '**/*.mjs',
    ],
  },
  ...tseslint.configs.strictTypeChecked,
  ...tseslint.configs.stylisticTypeChecked,
  {
    languageOptions: {
      parserOptions: {
        project: [
          'server/tsconfig.json',
          'bench/tsconfig.json',
          'test/tsconfig.json',
          'scripts/tsconfig.json',
        ],
        tsconfigRootDir: import.meta.dirname,
      },
    },
    rules: {
      // Wrapping a void expression in braces only to satisfy a rule makes one-line callbacks longer, not clearer.
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true, allowBoolean: true },
      ],
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      // Under noUncheckedIndexedAccess a cast states the element's type; `!` is forbidden in production code.
      '@typescript-eslint/non-nullable-type-assertion-style': 'off',
      'no-console': 'error',
      'max-lines': ['error', { max: 400, skipBlankLines: true, skipComments: true }],
      'max-lines-per-function': ['error', { max: 70, skipBlankLines: true, skipComments: true }],
      complexity: ['error', 20],
      'max-params': ['error', 4],
    },
  },
  {
    files: ['server/src/**/*.ts'],
    ignores: ['**/*.test.ts', 'server/src/main.ts', 'server/src/compose-*.ts', 'server/src/native/load.ts'],
    rules: {
      'no-restricted-globals': ['error', ...behindPorts],
      'no-restricted-properties': [
        'error',
        { object: 'Math', property: 'random', message: 'Use Random (base/random.ts).' },
      ],
    },
  },
  {
    files: ['**/*.test.ts', 'test/**/*.ts'],
    rules: {
      'max-lines-per-function': 'off',
      'max-lines': 'off',
      '@typescript-eslint/no-non-null-assertion': 'off',
    },
  },
  {
    files: [
      'scripts/**/*.ts',
      'bench/**/*.ts',
      'test/chaos/main.ts',
      'server/src/main.ts',
      'server/src/compose-*.ts',
    ],
    rules: { 'no-console': 'off' },
  },
);

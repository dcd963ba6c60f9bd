/** Unit tests sit beside their files; tests that build things from two components live in test/. */
const shared = {
  testEnvironment: 'node',
  transform: { '\\.ts$': ['@swc/jest'], 'node_modules/.+\\.m?js$': ['@swc/jest'] },
  transformIgnorePatterns: ['/node_modules/(?!(@kubernetes)/)'],
  modulePathIgnorePatterns: ['/dist/', '/build/'],
};
const project = (displayName, ...testMatch) => ({ ...shared, displayName, testMatch });

export default {
  // Generous: a deadline is there to end a test that hangs, not to measure a machine that others use too.
  testTimeout: 60_000,
  projects: [
    project('unit', '<rootDir>/{server,bench}/src/**/*.test.ts'),
    project('contract', '<rootDir>/test/contract/**/*.test.ts'),
    project('integration', '<rootDir>/test/integration/**/*.test.ts'),
    project('full', '<rootDir>/test/full/**/*.test.ts'),
  ],
};

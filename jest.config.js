/** Unit tests sit beside their files; tests that build things from two components live in test/. */
const shared = {
  testEnvironment: 'node',
  transform: { '\\.ts$': ['@swc/jest'], 'node_modules/.+\\.m?js$': ['@swc/jest'] },
  transformIgnorePatterns: ['/node_modules/(?!(@kubernetes)/)'],
  modulePathIgnorePatterns: ['/dist/', '/build/'],
};
const project = (displayName, ...testMatch) => ({ ...shared, displayName, testMatch });

export default {
  projects: [
    project('unit', '<rootDir>/{server,bench}/src/**/*.test.ts'),
    project('contract', '<rootDir>/test/contract/**/*.test.ts'),
    project('integration', '<rootDir>/test/integration/**/*.test.ts'),
    project('full', '<rootDir>/test/full/**/*.test.ts'),
  ],
};

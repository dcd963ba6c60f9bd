// The layer table of ARCHITECTURE.md: every component of server/src and what it may import besides itself.
const mayImport = {
  base: [],
  model: ['base'],
  config: ['base', 'model'],
  observability: ['base'],
  native: ['base'],
  storage: ['base', 'native'],
  engine: ['base', 'model', 'observability', 'native', 'storage'],
  'raft/core': ['base'],
  raft: ['base', 'observability', 'storage', 'raft/core'],
  shard: ['base', 'model', 'observability', 'storage', 'engine'],
  cluster: ['base', 'model', 'observability', 'storage', 'shard', 'raft'],
  service: ['base', 'model', 'observability', 'shard', 'cluster'],
  api: ['base', 'model', 'observability', 'service'],
};

// raft/core lies inside raft/, so raft's own files are everything in raft/ except core/.
const pathOf = (component) =>
  component === 'raft' ? '^server/src/raft/(?!core/)' : `^server/src/${component}/`;

const layers = Object.entries(mayImport).map(([component, allowed]) => ({
  name: `layer-${component.replace('/', '-')}`,
  severity: 'error',
  comment: `${component} may import only: ${allowed.join(', ') || 'nothing inside server/src'}`,
  from: { path: pathOf(component) },
  to: { path: '^server/src/', pathNot: [component, ...allowed].map(pathOf) },
}));

const rules = [
  {
    name: 'no-cycles',
    severity: 'error',
    comment: 'Two files that need each other are one concept or miss a third',
    from: {},
    to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
  },
  {
    name: 'through-the-front-door',
    severity: 'error',
    comment: "Cross-component imports go through the component's index.ts",
    from: { path: '^server/src/([^/]+)/' },
    to: {
      path: '^server/src/[^/]+/',
      pathNot: ['^server/src/$1/', '^server/src/[^/]+/index\\.ts$', '^server/src/raft/core/index\\.ts$'],
    },
  },
  {
    name: 'raft-core-front-door',
    severity: 'error',
    comment: 'Driver code uses the core through its index.ts',
    from: { path: pathOf('raft') },
    to: { path: '^server/src/raft/core/', pathNot: '/core/index\\.ts$' },
  },
  {
    name: 'component-not-in-layer-table',
    severity: 'error',
    comment: 'Add the new component to mayImport first',
    from: {
      path: '^server/src/[^/]+/',
      pathNot: Object.keys(mayImport).map((component) => `^server/src/${component}/`),
    },
    to: {},
  },
  {
    name: 'raft-core-is-pure',
    severity: 'error',
    comment: 'The core is a deterministic state machine: no I/O, timers, npm packages',
    from: { path: '^server/src/raft/core/', pathNot: '(\\.test\\.ts$|/core/testing/)' },
    to: { dependencyTypes: ['core', 'npm'] },
  },
  {
    name: 'over-the-wire-only',
    severity: 'error',
    comment: 'Everything outside the server talks to it over the network',
    from: { path: '^(operator|clients|bench)/' },
    to: { path: '^server/src/' },
  },
  {
    name: 'production-never-imports-tests',
    severity: 'error',
    comment: 'Test support stays out of what is shipped',
    from: { path: '^(server|operator|clients|bench)/', pathNot: '(\\.test\\.ts$|/testing/)' },
    to: { path: '(^test/|\\.test\\.ts$|/testing/)' },
  },
];

export default {
  forbidden: [...layers, ...rules],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '(^|/)(dist|build)/' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.base.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'require', 'node', 'default'],
    },
  },
};

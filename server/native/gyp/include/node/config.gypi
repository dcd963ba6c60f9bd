# Read instead of the build settings of the Node.js that runs node-gyp, so that the addon is the same everywhere.
{ 'target_defaults': {}, 'variables': {} }

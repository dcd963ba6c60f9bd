# What node-gyp expects from the headers of a Node.js release. The addon needs none of them: it is compiled against
# the npm package node-api-headers, so this file only names the configurations that gyp asks for.
{
  'target_defaults': {
    'default_configuration': 'Release',
    'configurations': { 'Debug': {}, 'Release': {} },
    'cflags': ['-pthread'],
    'ldflags': ['-pthread'],
  },
}

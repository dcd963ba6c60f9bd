# One addon: our thread pool, the RocksDB binding (src/kv) and the vector search (src/search).
# Built by scripts/build-native.sh, which runs node-gyp in build/<flavour> with this file and src/ linked into it.
{
  'variables': {
    # 'address' builds for AddressSanitizer (scripts/test-native-asan.sh).
    'sanitize%': 'none',
  },
  'targets': [
    {
      'target_name': 'grape_native',
      'sources': ['<!@(find src/ -name "*.cc" | sort)'],
      'include_dirs': ['src'],
      'defines': [
        'NAPI_VERSION=9',
        # Errors cross N-API as codes: nothing is thrown through it. Inside, FAISS and the standard library may throw.
        'NAPI_DISABLE_CPP_EXCEPTIONS',
        'NODE_ADDON_API_DISABLE_DEPRECATED',
        # A worker thread that is being terminated takes no exceptions any more: go on without, do not abort.
        'NODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS',
      ],
      'cflags_cc': [
        '-std=c++17',
        '-fexceptions',
        '-fvisibility=hidden',
        '-fvisibility-inlines-hidden',
        '-fno-math-errno',
        '-Wall',
        '-Wextra',
        '-isystem',
        '<!(node -p "require(\'path\').resolve(require(\'node-addon-api\').include_dir)")',
        '-isystem',
        '<!(node -p "require(\'path\').resolve(require(\'node-api-headers\').include_dir)")',
      ],
      'libraries': ['-lrocksdb', '-lfaiss', '-lopenblas', '-lgomp'],
      'ldflags': [
        # Threads of the pool run until the process ends: the library must never be unloaded under them.
        '-Wl,-z,nodelete',
        # Symbols of static libraries (FAISS) stay ours, whatever else the process has loaded.
        '-Wl,--exclude-libs,ALL',
      ],
      'conditions': [
        ['sanitize=="address"', {
          'cflags_cc': ['-O1', '-g', '-fno-omit-frame-pointer', '-fsanitize=address'],
          'ldflags': ['-fsanitize=address'],
        }, {
          'cflags_cc': ['-O3', '-g1'],
          'defines': ['NDEBUG'],
        }],
      ],
    },
  ],
}

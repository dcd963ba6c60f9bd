#pragma once

#include <napi.h>

namespace grape {

/** Adds the `kv...` functions; `server/src/native/rocks-db.ts` is their only caller. */
void InitKv(Napi::Env env, Napi::Object exports);

}  // namespace grape

#pragma once

#include <napi.h>

namespace grape {

/** Adds the functions of the vector index (`server/src/native/vector-index-addon.ts`) to the addon. */
void InitSearch(Napi::Env env, Napi::Object exports);

}  // namespace grape

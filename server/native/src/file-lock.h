#pragma once

#include <napi.h>

namespace grape {

/** Adds `fileLock` and `fileUnlock`; `server/src/native/file-lock.ts` is their only caller. */
void InitFileLock(Napi::Env env, Napi::Object exports);

}  // namespace grape

#include <napi.h>

#include "calls.h"
#include "failure.h"
#include "file-lock.h"
#include "kv/init.h"
#include "pool.h"
#include "search/init.h"

namespace grape {
namespace {

/** configurePool(threads) */
Napi::Value ConfigurePool(const Napi::CallbackInfo& info) {
  const double threads = info[0].IsNumber() ? info[0].As<Napi::Number>().DoubleValue() : 0;
  if (!(threads >= 1 && threads <= kPoolThreadsMax)) return ThrowType(info.Env(), "threads out of range");
  Pool::Get().Resize(static_cast<size_t>(threads));
  return info.Env().Undefined();
}

Napi::Object Init(Napi::Env env, Napi::Object exports) {
  Calls::Init(env);
  exports.Set("configurePool", Napi::Function::New(env, ConfigurePool));
  InitFileLock(env, exports);
  InitKv(env, exports);
  InitSearch(env, exports);
  return exports;
}

}  // namespace
}  // namespace grape

Napi::Object InitGrape(Napi::Env env, Napi::Object exports) { return grape::Init(env, exports); }

NODE_API_MODULE(NODE_GYP_MODULE_NAME, InitGrape)

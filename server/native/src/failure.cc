#include "failure.h"

namespace grape {

Napi::Value Failure::ToError(Napi::Env env) const {
  Napi::Object error = Napi::Error::New(env, message).Value();
  error.Set("code", code);
  if (rocksdb) {
    Napi::Object numbers = Napi::Object::New(env);
    numbers.Set("code", rocksdb->code);
    numbers.Set("subcode", rocksdb->subcode);
    numbers.Set("severity", rocksdb->severity);
    error.Set("rocksdb", numbers);
  }
  return error;
}

Napi::Value ThrowType(Napi::Env env, const std::string& message) {
  Napi::TypeError::New(env, message).ThrowAsJavaScriptException();
  return env.Undefined();
}

}  // namespace grape

#pragma once

#include <napi.h>

#include <memory>
#include <utility>

namespace grape {

/**
 * Opaque handles for JavaScript. `T` has a `static constexpr napi_type_tag kTag` of its own, so that a handle of another
 * kind is told apart, and `void Collected(Napi::Env)`, called on the JavaScript thread when the garbage collector has
 * taken the handle: it must not block. Jobs copy the shared pointer and `Hold` the handle.
 */
template <typename T>
Napi::Value MakeHandle(Napi::Env env, std::shared_ptr<T> object) {
  auto handle = Napi::External<std::shared_ptr<T>>::New(
      env, new std::shared_ptr<T>(std::move(object)), [](Napi::Env finalizing, std::shared_ptr<T>* held) {
        (*held)->Collected(finalizing);
        delete held;
      });
  handle.TypeTag(&T::kTag);
  return handle;
}

/** What the handle stands for; null when `value` is no handle of this kind. */
template <typename T>
std::shared_ptr<T> FromHandle(Napi::Value value) {
  if (!value.IsExternal()) return nullptr;
  const auto handle = value.As<Napi::External<std::shared_ptr<T>>>();
  return handle.CheckTypeTag(&T::kTag) ? *handle.Data() : nullptr;
}

}  // namespace grape

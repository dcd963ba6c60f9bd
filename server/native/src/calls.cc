#include "calls.h"

#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <utility>

namespace grape {

namespace {
/** Calls finished in one turn of the JavaScript thread; the others wait for the next one, so that the loop goes on. */
constexpr size_t kFinishedPerTurnMax = 512;
}  // namespace

/** Finished calls on their way back. Shared with the threads that run them. */
class Calls::Mailbox {
 public:
  void Open(napi_threadsafe_function wake) { wake_ = wake; }

  /** A run is about to be queued. */
  void Expect() {
    std::lock_guard<std::mutex> lock(mutex_);
    expected_ += 1;
  }

  /** From any thread. Wakes the JavaScript thread once for all that arrive before it looks. */
  void Deliver(std::unique_ptr<Call> call) {
    std::lock_guard<std::mutex> lock(mutex_);
    done_.push_back(std::move(call));
    expected_ -= 1;
    arrived_.notify_all();
    WakeLocked();
  }

  /** The oldest finished calls, `max` at most. */
  std::deque<std::unique_ptr<Call>> Take(size_t max) {
    std::lock_guard<std::mutex> lock(mutex_);
    woken_ = false;
    if (done_.size() <= max) return std::exchange(done_, {});
    std::deque<std::unique_ptr<Call>> taken;
    for (size_t i = 0; i < max; ++i) {
      taken.push_back(std::move(done_.front()));
      done_.pop_front();
    }
    WakeLocked();
    return taken;
  }

  bool cancelled() const { return cancelled_.load(std::memory_order_relaxed); }

  /** No more wake-ups; waits for what runs, and what only waits in a lane comes back without having run. */
  std::deque<std::unique_ptr<Call>> Close() {
    cancelled_.store(true, std::memory_order_relaxed);
    std::unique_lock<std::mutex> lock(mutex_);
    wake_ = nullptr;
    arrived_.wait(lock, [&] { return expected_ == 0; });
    return std::exchange(done_, {});
  }

 private:
  void WakeLocked() {
    if (woken_ || wake_ == nullptr) return;
    woken_ = true;
    napi_call_threadsafe_function(wake_, nullptr, napi_tsfn_nonblocking);
  }

  std::mutex mutex_;
  std::condition_variable arrived_;
  std::deque<std::unique_ptr<Call>> done_;
  size_t expected_ = 0;
  bool woken_ = false;
  std::atomic<bool> cancelled_{false};
  napi_threadsafe_function wake_ = nullptr;
};

void Calls::Init(Napi::Env env) {
  auto* const calls = new Calls(env);
  env.SetInstanceData(calls);
  // Neither process.exit() nor an uncaught exception runs the clean-up hooks: the libraries' static destructors would
  // then run under our threads. The event comes in every case but a signal, which runs no destructors either.
  const auto process = env.Global().Get("process").As<Napi::Object>();
  const auto on_exit = Napi::Function::New(env, [](const Napi::CallbackInfo& info) { Of(info.Env()).TearDown(); });
  process.Get("once").As<Napi::Function>().Call(process, {Napi::String::New(env, "exit"), on_exit});
}

Calls::Calls(Napi::Env env) : mailbox_(std::make_shared<Mailbox>()) {
  const napi_status created = napi_create_threadsafe_function(
      env, nullptr, nullptr, Napi::String::New(env, "grape"), 0, 1, nullptr, nullptr, this, OnWake, &wake_);
  NAPI_CHECK(created == napi_ok, "Calls", "cannot make a thread-safe function");
  napi_unref_threadsafe_function(env, wake_);
  mailbox_->Open(wake_);
  // Hooks run last-made first: ours before the one by which Node.js takes the thread-safe function away.
  env.AddCleanupHook([this] { TearDown(); });
}

Napi::Promise Calls::Submit(Napi::Env env, Lane& lane, std::unique_ptr<Job> job) {
  std::unique_ptr<Call> call;
  const Napi::Promise promise = Prepare(env, std::move(job), &call);
  Launch(lane, std::move(call));
  return promise;
}

Napi::Promise Calls::Prepare(Napi::Env env, std::unique_ptr<Job> job, std::unique_ptr<Call>* call) {
  *call = std::make_unique<Call>(Call{std::move(job), Napi::Promise::Deferred::New(env)});
  if (awaited_++ == 0) napi_ref_threadsafe_function(env, wake_);
  return (*call)->deferred->Promise();
}

void Calls::SubmitDetached(Lane& lane, std::unique_ptr<Job> job) {
  Launch(lane, std::make_unique<Call>(Call{std::move(job), std::nullopt}));
}

void Calls::Launch(Lane& lane, std::unique_ptr<Call> call) {
  if (torn_down_) {
    call->job->Settled();
    return;
  }
  mailbox_->Expect();
  // A std::function must be copyable, so the call travels as a plain pointer and has one owner at any time.
  Call* const raw = call.release();
  const Lane::Push pushed = lane.TryPush([raw, mailbox = mailbox_] {
    if (!mailbox->cancelled()) raw->job->RunGuarded();
    mailbox->Deliver(std::unique_ptr<Call>(raw));
  });
  if (pushed == Lane::Push::kAccepted) return;
  raw->job->Fail({"POOL_FULL", "too many calls are waiting for a thread"});
  mailbox_->Deliver(std::unique_ptr<Call>(raw));
}

void Calls::OnWake(napi_env env, napi_value, void* self, void*) {
  // Without an environment the thread is ending, and TearDown has emptied the mailbox.
  if (env == nullptr) return;
  Calls& calls = *static_cast<Calls*>(self);
  for (auto& call : calls.mailbox_->Take(kFinishedPerTurnMax)) calls.Finish(env, std::move(call));
}

void Calls::Finish(Napi::Env env, std::unique_ptr<Call> call) {
  Napi::HandleScope scope(env);
  Job& job = *call->job;
  if (call->deferred) {
    if (job.failure()) {
      call->deferred->Reject(job.failure()->ToError(env));
    } else {
      call->deferred->Resolve(job.Result(env));
    }
    if (--awaited_ == 0) napi_unref_threadsafe_function(env, wake_);
  }
  job.Settled();
}

void Calls::TearDown() {
  torn_down_ = true;
  // May come twice, at the exit event and from the hook: the second time there is nothing left.
  for (auto& call : mailbox_->Close()) call->job->Settled();
  // CloseNow takes itself off the list.
  while (!watched_.empty()) {
    Closable* const closable = *watched_.begin();
    watched_.erase(watched_.begin());
    closable->CloseNow();
  }
}

}  // namespace grape

#include "lane.h"

#include <pthread.h>

#include <condition_variable>
#include <deque>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>

namespace grape {

/** Shared with the threads, which may touch it a moment longer than the lane lives. */
struct Lane::State {
  std::mutex mutex;
  std::condition_variable work;
  std::condition_variable ended;
  std::deque<Task> tasks;
  std::string name;
  size_t tasks_max = 0;
  size_t wanted = 0;
  size_t live = 0;
  size_t idle = 0;
  bool stopping = false;
};

namespace {

template <typename State>
void Serve(const std::shared_ptr<State>& state) {
  pthread_setname_np(pthread_self(), state->name.c_str());
  std::unique_lock<std::mutex> lock(state->mutex);
  for (;;) {
    state->idle += 1;
    state->work.wait(lock, [&] {
      return !state->tasks.empty() || state->stopping || state->live > state->wanted;
    });
    state->idle -= 1;
    if (state->live > state->wanted || state->tasks.empty()) break;
    {
      auto task = std::move(state->tasks.front());
      state->tasks.pop_front();
      lock.unlock();
      task();
    }
    lock.lock();
  }
  state->live -= 1;
  // The wake-up that this thread used up may have been meant for a task.
  if (!state->tasks.empty()) state->work.notify_one();
  state->ended.notify_all();
}

}  // namespace

Lane::Lane(const std::string& name, size_t threads, size_t tasks_max) : state_(std::make_shared<State>()) {
  state_->name = name.substr(0, 15);
  state_->wanted = threads;
  state_->tasks_max = tasks_max;
}

Lane::~Lane() {
  std::unique_lock<std::mutex> lock(state_->mutex);
  state_->stopping = true;
  state_->work.notify_all();
  state_->ended.wait(lock, [&] { return state_->live == 0; });
}

Lane::Push Lane::TryPush(Task task) {
  std::unique_lock<std::mutex> lock(state_->mutex);
  if (state_->tasks.size() >= state_->tasks_max) return Push::kFull;
  if (state_->idle <= state_->tasks.size() && state_->live < state_->wanted) {
    try {
      std::thread([state = state_] { Serve(state); }).detach();
      state_->live += 1;
    } catch (const std::system_error&) {
      // Fewer threads than wanted still make progress; none at all do not.
      if (state_->live == 0) return Push::kNoThread;
    }
  }
  state_->tasks.push_back(std::move(task));
  // A thread that woke up under the lock would only wait for it.
  lock.unlock();
  state_->work.notify_one();
  return Push::kAccepted;
}

void Lane::Resize(size_t threads) {
  std::lock_guard<std::mutex> lock(state_->mutex);
  state_->wanted = threads;
  state_->work.notify_all();
}

}  // namespace grape

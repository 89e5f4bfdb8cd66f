// Streams that hold no more than their depth, and processes that wait for room and for data: what a
// DATAFLOW region does on hardware, without a clock. It stands in for AMD's hls_stream.h in the check of
// depths (sim/csim/depths.py), which turns each call of a region into a process here.
//
// Processes are coroutines on one thread. When none can go on, the region has come to a halt for good:
// Kahn's processes do the same whatever the order of events, so that it would on hardware too.
#pragma once

#include <sys/mman.h>
#include <ucontext.h>

#include <deque>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace depths {

struct Channel {
  std::string name = "?";
  unsigned long depth = 2;  // Vitis HLS' own, unless a pragma says more
  unsigned long held = 0;
  void bound(unsigned long beats) { depth = beats; }
};

struct Process;

class Scheduler {
 public:
  Process* current = nullptr;
  std::vector<Process*> alive;
  ucontext_t home;
  void wait();                             // of the current process, until it may go on
  void run(const std::vector<Process*>&);  // until all of these have ended
};

inline Scheduler& scheduler() {
  static Scheduler one;
  return one;
}

struct Process {
  static constexpr unsigned long STACK = 256UL << 20;  // reserved, not used

  std::string name;
  std::function<void()> work;
  std::vector<Process*> after;  // whose end it waits for
  const Channel* channel = nullptr;
  bool reading = false, begun = false, ended = false;
  ucontext_t context;
  void* stack = nullptr;

  Process(std::string title, std::vector<Process*> before, std::function<void()> job)
      : name(std::move(title)), work(std::move(job)), after(std::move(before)) {}
  ~Process() {
    if (stack != nullptr) munmap(stack, STACK);
  }
  bool ready() const {
    for (const Process* other : after) {
      if (!other->ended) return false;
    }
    if (channel == nullptr) return true;
    return reading ? channel->held > 0 : channel->held < channel->depth;
  }
  static void enter() {
    Process* self = scheduler().current;
    self->work();
    self->ended = true;
    swapcontext(&self->context, &scheduler().home);
  }
  void resume() {
    if (!begun) {
      const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
      stack = mmap(nullptr, STACK, PROT_READ | PROT_WRITE, flags, -1, 0);
      if (stack == MAP_FAILED) throw std::runtime_error("no memory for another process");
      getcontext(&context);
      context.uc_stack.ss_sp = stack;
      context.uc_stack.ss_size = STACK;
      context.uc_link = nullptr;
      makecontext(&context, enter, 0);
      begun = true;
    }
    scheduler().current = this;
    swapcontext(&scheduler().home, &context);
    scheduler().current = nullptr;
  }
};

inline void Scheduler::wait() {
  Process* self = current;
  swapcontext(&self->context, &home);
}

inline void Scheduler::run(const std::vector<Process*>& wanted) {
  if (current != nullptr) {  // a region inside a process: the others go on meanwhile
    current->after.insert(current->after.end(), wanted.begin(), wanted.end());
    wait();
    current->after.clear();
    return;
  }
  for (;;) {
    bool done = true, moved = false;
    for (const Process* process : wanted) done = done && process->ended;
    if (done) return;
    for (unsigned long i = 0; i < alive.size(); i++) {
      Process* process = alive[i];
      if (process->ended || !process->ready()) continue;
      process->resume();
      moved = true;
    }
    if (moved) continue;
    std::string full, waiting;
    for (const Process* process : alive) {
      if (process->ended || process->channel == nullptr) continue;
      const Channel& channel = *process->channel;
      const std::string beats = channel.name + " (depth " + std::to_string(channel.depth) + ")";
      if (!process->reading) full += (full.empty() ? "" : ", ") + beats;
      waiting += "\n  " + process->name + (process->reading ? " waits for data in " : " waits for room in ");
      waiting += beats;
    }
    alive.clear();
    throw std::runtime_error("full: " + (full.empty() ? std::string("none") : full) + waiting);
  }
}

// The processes of one call of a region, in the order of the source.
class Region {
 public:
  template <typename JOB>
  void process(const char* name, std::vector<int> after, JOB job) {
    std::vector<Process*> before;
    for (int i : after) before.push_back(own_[i].get());
    own_.emplace_back(new Process(name, before, job));
    scheduler().alive.push_back(own_.back().get());
  }
  void join() {
    std::vector<Process*> wanted;
    for (const auto& one : own_) wanted.push_back(one.get());
    scheduler().run(wanted);
    forget();
  }
  ~Region() { forget(); }

 private:
  std::vector<std::unique_ptr<Process>> own_;
  void forget() {
    std::vector<Process*> left;
    for (Process* one : scheduler().alive) {
      bool mine = false;
      for (const auto& other : own_) mine = mine || other.get() == one;
      if (!mine) left.push_back(one);
    }
    scheduler().alive = left;
    own_.clear();
  }
};

}  // namespace depths

namespace hls {

template <typename T>
class stream : public depths::Channel {
 public:
  stream() {}
  explicit stream(const char* title) { name = title; }
  stream(const stream&) = delete;
  stream& operator=(const stream&) = delete;

  bool empty() const { return beats_.empty(); }
  bool full() const { return beats_.size() >= depth; }
  unsigned long size() const { return beats_.size(); }
  T read() {
    pass(true);
    if (beats_.empty()) throw std::runtime_error("empty: " + name);
    T beat = beats_.front();
    beats_.pop_front();
    held = beats_.size();
    return beat;
  }
  void write(const T& beat) {
    pass(false);
    beats_.push_back(beat);
    held = beats_.size();
  }

 private:
  std::deque<T> beats_;
  // Outside of processes nobody waits.
  void pass(bool reading) {
    depths::Process* self = depths::scheduler().current;
    if (self == nullptr) return;
    self->channel = this;
    self->reading = reading;
    if (!self->ready()) depths::scheduler().wait();
    self->channel = nullptr;
  }
};

}  // namespace hls

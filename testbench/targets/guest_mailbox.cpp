#include "testbench/targets/guest_mailbox.h"

#include <algorithm>
#include <atomic>
#include <cstring>

namespace ringside::targets {
namespace {

// Registers of shared memory: std::atomic_ref wants them mutable.
template <class Word>
Word load_acquire(Word& word) {
  return std::atomic_ref(word).load(std::memory_order_acquire);
}

}  // namespace

GuestMailbox::GuestMailbox(QemuRam& ram)
    : box_(*reinterpret_cast<guest::Mailbox*>(ram.data() + guest::kMailboxBase)),
      program_(ram.data() + guest::kProgramBase) {}

void GuestMailbox::order(const GuestOrder& order, const MachinePlan& plan) {
  box_ = guest::Mailbox{};
  box_.magic = guest::kMagic;
  box_.layout = guest::kLayout;
  box_.work = order.work;
  order.scenario.copy(box_.scenario, sizeof(box_.scenario) - 1);
  box_.seed = order.seed;
  box_.tracing = static_cast<std::uint32_t>(order.tracing);
  box_.is_q35 = plan.board == Board::q35 ? 1 : 0;
  box_.disks = static_cast<std::uint32_t>(plan.disks.size());
  box_.mistake = order.mistake;
  box_.bench = order.bench;
  box_.program_steps = order.steps.count < scenarios::kMostSteps ? order.steps.count : scenarios::kMostSteps;
  if (box_.program_steps != 0) {
    std::memcpy(program_, order.steps.first, box_.program_steps * sizeof(scenarios::Step));
  }
  if (order.debugging) {
    const trace::Event event = order.debugging->event.value_or(trace::Event{});
    box_.stop_kind = static_cast<std::uint16_t>(event.kind);
    box_.stop_queue = event.queue;
    box_.stop_unit = event.unit;
    box_.stop_nth = event.nth;
  }
}

guest::State GuestMailbox::state() const {
  const guest::State state = load_acquire(box_.state);
  return state <= guest::State::crashed ? state : guest::State::off;
}

std::string GuestMailbox::crash_text() const {
  char copy[sizeof(box_.crash_text)];
  std::memcpy(copy, box_.crash_text, sizeof(copy));
  std::string text(copy, ::strnlen(copy, sizeof(copy)));
  std::ranges::replace_if(
      text, [](char c) { return c < ' ' || c > '~'; }, '?');
  return text;
}

// Acquire: pairs with the guest's release of the sequence, which comes after what was asked.
std::optional<GuestQuestion> GuestMailbox::question() const {
  const std::uint32_t sequence = load_acquire(box_.ask_sequence);
  if (sequence == answered_) {
    return std::nullopt;
  }
  return GuestQuestion{sequence, box_.ask_what, box_.ask_argument};
}

void GuestMailbox::answer(const GuestQuestion& question, std::uint64_t answer) {
  box_.answer = answer;
  answered_ = question.sequence;
  // Release: pairs with the guest's acquire, so that it sees the answer that goes with the number.
  std::atomic_ref(box_.answer_sequence).store(question.sequence, std::memory_order_release);
}

}  // namespace ringside::targets

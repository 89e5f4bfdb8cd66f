// SPDX-License-Identifier: Apache-2.0
// A system with stream channels behind plain C functions: serves all of them at once. channels.h,
// made for each system, lists the channels as X(index).
#include "base.h"
#include "channels.h"

namespace {

struct Channel {
    CData *data, *last, *valid, *ready;
    uint8_t* bytes = nullptr;
    uint64_t count = 0, moved = 0;
    bool offering = false;  // a source's beat waits to be taken
    bool waiting = false;   // a beat waited for the sink in the cycle before
    Gate gate;
};

class System : public Simulated<System> {
    friend class Simulated<System>;

    void drive() {
        for (auto& c : inputs) drive_source(c);
        for (auto& c : outputs) *c.ready = c.moved < c.count && c.gate.go(c.waiting);
    }

    void settle() {
        bool moved = false;
        for (auto& c : inputs) {
            if (!c.offering || !*c.ready) continue;
            c.offering = false, moved = true, ++c.moved;
        }
        for (auto& c : outputs) {
            c.waiting = *c.valid && !*c.ready;
            if (!*c.valid || !*c.ready) continue;
            c.bytes[c.moved] = *c.data;
            moved = true, ++c.moved;
            if (*c.last != (c.moved == c.count)) wrong = &c - outputs.data();
        }
        quiet = moved ? 0 : quiet + 1;
    }

    void drive_source(Channel& c) {
        if (c.offering) {
            c.gate.go(true);
        } else if (c.moved < c.count && c.gate.go(false)) {
            *c.data = c.bytes[c.moved];
            *c.last = c.moved + 1 == c.count;
            c.offering = true;
        } else if (!c.gate.steady()) {
            *c.data = c.gate.noise().bits() & 0xff;
            *c.last = c.gate.noise().bits() & 1;
        }
        *c.valid = c.offering;
    }

public:
    std::array<Channel, INPUTS> inputs;
    std::array<Channel, OUTPUTS> outputs;
    uint64_t quiet = 0;
    int wrong = -1;  // output channel whose tlast was wrong

    explicit System(int seed) : Simulated{seed} {
#define X(i)                                                                        \
    inputs[i].data = &top->s_axis_##i##_tdata, inputs[i].last = &top->s_axis_##i##_tlast, \
    inputs[i].valid = &top->s_axis_##i##_tvalid, inputs[i].ready = &top->s_axis_##i##_tready;
        INPUT_LIST
#undef X
#define X(i)                                                                         \
    outputs[i].data = &top->m_axis_##i##_tdata, outputs[i].last = &top->m_axis_##i##_tlast, \
    outputs[i].valid = &top->m_axis_##i##_tvalid, outputs[i].ready = &top->m_axis_##i##_tready;
        OUTPUT_LIST
#undef X
        reset();
    }

    // Until all channels are done, for so many cycles at most.
    Outcome advance(uint64_t limit) {
        for (; limit && !finished() && wrong < 0; --limit) cycle([] {});
        if (wrong >= 0) return LAST_WRONG;
        return finished() ? DONE : RUNNING;
    }

    bool finished() const {
        for (auto& c : inputs) if (c.moved < c.count) return false;
        for (auto& c : outputs) if (c.moved < c.count) return false;
        return true;
    }

    // No channel is served until it is given bytes again.
    void rest() {
        for (auto& c : inputs) c.count = c.moved = 0, c.offering = false;
        for (auto& c : outputs) c.count = c.moved = 0, c.waiting = false;
        quiet = 0;
        wrong = -1;
    }
};

}  // namespace

#include "interface.h"

EXPORT uint64_t rtl_quiet(System* system) { return system->quiet; }
EXPORT int rtl_wrong(System* system) { return system->wrong; }

// Ends whatever was under way on all channels.
EXPORT void rtl_rest(System* system) { system->rest(); }

EXPORT void rtl_serve(System* system, int output, int index, uint8_t* bytes, uint64_t count,
                      int pattern, uint64_t seed) {
    Channel& c = output ? system->outputs[index] : system->inputs[index];
    c.bytes = bytes, c.count = count, c.moved = 0;
    c.gate = Gate(static_cast<Pattern>(pattern), seed);
}

EXPORT int rtl_advance(System* system, uint64_t cycles) {
    return guarded(system, [&] { return system->advance(cycles); });
}

EXPORT uint64_t rtl_moved(System* system, int output, int index) {
    return output ? system->outputs[index].moved : system->inputs[index].moved;
}
